"""``EC`` keys on P-256, P-384, P-521 and secp256k1 (RFC 7518 6.2, RFC 8812 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from mintmark.jose.kinds.material import Material, octets_member, refuse, uint_text

CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}
_NAMES: Final = {curve.name: name for name, curve in CURVES.items()}


def from_members(members: Mapping[str, Any], _legacy: bool) -> Material:
    crv = members.get("crv")
    curve = CURVES.get(crv) if isinstance(crv, str) else None
    if curve is None:
        refuse("the key's curve is missing or unknown (RFC 7518 6.2.1.1)", claim="crv")
    size = coordinate_bytes(curve)
    x, y = (_coordinate(members, name, size) for name in ("x", "y"))
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except ValueError:
        refuse("the point is not on the curve (SP 800-56A 5.6.2.3)", claim="x")
    private = None
    if "d" in members:
        private = _private_key(_coordinate(members, "d", size), curve)
        if private.public_key() != public:
            refuse("the private key does not fit its public key", claim="d")
    # each member has one spelling only, and this was it
    identity = {"crv": crv, "kty": "EC", "x": members["x"], "y": members["y"]}
    return Material("EC", crv, identity, public, private, curve.key_size)


def from_native(native: Any, _legacy: bool) -> Material:
    if isinstance(native, ec.EllipticCurvePublicKey):
        public, private = native, None
    elif isinstance(native, ec.EllipticCurvePrivateKey):
        public, private = native.public_key(), native
    else:
        refuse("not an EC key")
    if public.curve.name not in _NAMES:
        refuse(f"the curve {public.curve.name} has no JOSE name")
    return _material(public, private)


def generate(_bits: int | None, crv: str | None) -> Material:
    """Make a key on ``crv``."""
    curve = CURVES.get(crv or "P-256")
    if curve is None:
        refuse(f"there is no EC curve named {crv!r} here", claim="crv")
    private = ec.generate_private_key(curve)
    return _material(private.public_key(), private)


def private_members(material: Material) -> dict[str, str]:
    private = material.private
    return {"d": uint_text(private.private_numbers().private_value, coordinate_bytes(private.curve))}


def coordinate_bytes(curve: ec.EllipticCurve) -> int:
    """Return the octets of a field element (RFC 7518 6.2.1.2)."""
    return (curve.key_size + 7) // 8


def _coordinate(members: Mapping[str, Any], name: str, size: int) -> int:
    octets = octets_member(members, name)
    if len(octets) != size:
        refuse(f"the JWK member {name!r} has {size} octets on this curve (RFC 7518 6.2)", claim=name)
    return int.from_bytes(octets)


def _private_key(value: int, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(value, curve)
    except ValueError:
        refuse("the private key is out of range", claim="d")


def _material(public: ec.EllipticCurvePublicKey, private: ec.EllipticCurvePrivateKey | None) -> Material:
    size = coordinate_bytes(public.curve)
    numbers = public.public_numbers()
    crv = _NAMES[public.curve.name]
    identity = {"crv": crv, "kty": "EC", "x": uint_text(numbers.x, size), "y": uint_text(numbers.y, size)}
    return Material("EC", crv, identity, public, private, public.curve.key_size)
