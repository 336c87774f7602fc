"""``OKP`` keys: Ed25519, Ed448, X25519 and X448 (RFC 8037 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, x448, x25519
from msgspec import Struct

from mintmark.jose.encoding import b64url_encode
from mintmark.jose.kinds.material import Material, octets_member, refuse, refuse_weak

_P25519: Final = 2**255 - 19
_P448: Final = 2**448 - 2**224 - 1


class _Curve(Struct, frozen=True):
    """One curve: its classes, its length, and which public keys of it are points that may be used."""

    name: str
    size: int
    public: Any
    private: Any
    check: Callable[[bytes], None]


def _refuse_small_order() -> None:
    refuse_weak(
        "the public key has small order: signatures or secrets made with it prove nothing (RFC 7748 6)"
    )


# Edwards points of order 1, 2, 4 and (Ed25519 only) 8, by their y coordinate.
_Y8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ED25519: Final = frozenset((0, 1, _P25519 - 1, _Y8, _P25519 - _Y8))
_SMALL_ED448: Final = frozenset((0, 1, _P448 - 1))
# Montgomery points of small order, by their u coordinate (RFC 7748 6, Bernstein).
_SMALL_X25519: Final = frozenset(
    (
        0,
        1,
        _P25519 - 1,
        0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    )
)
_SMALL_X448: Final = frozenset((0, 1, _P448 - 1))
_D25519: Final = -121665 * pow(121666, -1, _P25519) % _P25519
_D448: Final = -39081


def _is_square(value: int, prime: int) -> bool:
    """Say whether ``value`` has a square root modulo ``prime``, by its Jacobi symbol.

    Quadratic reciprocity takes a tenth of the time of raising to (prime - 1) / 2. How long depends on the
    value, which is public here.
    """
    value, modulus, symbol = value % prime, prime, 1
    while value:
        twos = (value & -value).bit_length() - 1
        value >>= twos
        if twos & 1 and modulus & 7 in (3, 5):
            symbol = -symbol
        if value & modulus & 3 == 3:
            symbol = -symbol
        value, modulus = modulus % value, value
    return symbol == 1


def _check_ed25519(octets: bytes) -> None:
    """RFC 8032 5.1.3: a canonical y whose x exists; and not of small order."""
    y = int.from_bytes(octets, "little") & ((1 << 255) - 1)
    if y in _SMALL_ED25519:
        _refuse_small_order()
    # x^2 = (y^2 - 1) / (d y^2 + 1); u/v is a square exactly when u*v is
    if y >= _P25519 or not _is_square((y * y - 1) * (_D25519 * y * y + 1) % _P25519, _P25519):
        refuse("the public key is not a point of Ed25519 (RFC 8032 5.1.3)", claim="x")


def _check_ed448(octets: bytes) -> None:
    """RFC 8032 5.2.3: a canonical y whose x exists; and not of small order."""
    y = int.from_bytes(octets[:56], "little")
    if y in _SMALL_ED448:
        _refuse_small_order()
    if y >= _P448 or octets[56] & 0x7F or not _is_square((y * y - 1) * (_D448 * y * y - 1) % _P448, _P448):
        refuse("the public key is not a point of Ed448 (RFC 8032 5.2.3)", claim="x")


def _check_x25519(octets: bytes) -> None:
    if (int.from_bytes(octets, "little") & ((1 << 255) - 1)) % _P25519 in _SMALL_X25519:
        _refuse_small_order()


def _check_x448(octets: bytes) -> None:
    if int.from_bytes(octets, "little") % _P448 in _SMALL_X448:
        _refuse_small_order()


_CURVES: Final = {
    curve.name: curve
    for curve in (
        _Curve("Ed25519", 32, ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey, _check_ed25519),
        _Curve("Ed448", 57, ed448.Ed448PublicKey, ed448.Ed448PrivateKey, _check_ed448),
        _Curve("X25519", 32, x25519.X25519PublicKey, x25519.X25519PrivateKey, _check_x25519),
        _Curve("X448", 56, x448.X448PublicKey, x448.X448PrivateKey, _check_x448),
    )
}


def from_members(members: Mapping[str, Any], _legacy: bool) -> Material:
    crv = members.get("crv")
    curve = _CURVES.get(crv) if isinstance(crv, str) else None
    if curve is None:
        refuse("the key's curve is missing or unknown (RFC 8037 2)", claim="crv")
    x = _octets(members, "x", curve.size)
    curve.check(x)
    private = None
    if "d" in members:
        private = curve.private.from_private_bytes(_octets(members, "d", curve.size))
        if private.public_key().public_bytes_raw() != x:
            refuse("the private key does not fit its public key", claim="d")
    return _material(curve, curve.public.from_public_bytes(x), private)


def from_native(native: Any, _legacy: bool) -> Material:
    for curve in _CURVES.values():
        if isinstance(native, curve.public):
            curve.check(native.public_bytes_raw())
            return _material(curve, native, None)
        if isinstance(native, curve.private):
            return _material(curve, native.public_key(), native)
    return refuse("not an OKP key")


def generate(_bits: int | None, crv: str | None) -> Material:
    """Make a key on ``crv``."""
    curve = _CURVES.get(crv or "")
    if curve is None:
        refuse(f"there is no OKP curve named {crv!r} here", claim="crv")
    private = curve.private.generate()
    return _material(curve, private.public_key(), private)


def private_members(material: Material) -> dict[str, str]:
    return {"d": b64url_encode(material.private.private_bytes_raw())}


def _octets(members: Mapping[str, Any], name: str, size: int) -> bytes:
    octets = octets_member(members, name)
    if len(octets) != size:
        refuse(f"the JWK member {name!r} has {size} octets on this curve (RFC 8037 2)", claim=name)
    return octets


def _material(curve: _Curve, public: Any, private: Any) -> Material:
    identity = {"crv": curve.name, "kty": "OKP", "x": b64url_encode(public.public_bytes_raw())}
    return Material("OKP", curve.name, identity, public, private, curve.size * 8)
