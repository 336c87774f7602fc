"""``AKP`` keys: the algorithm is part of the key (RFC 9964 3): ML-DSA-44, -65 and -87."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import mldsa

from mintmark.jose.encoding import b64url_encode
from mintmark.jose.kinds.material import Material, octets_member, refuse

SEED_BYTES: Final = 32
_CLASSES: Final[dict[str, tuple[int, Any, Any]]] = {
    "ML-DSA-44": (1312, mldsa.MLDSA44PublicKey, mldsa.MLDSA44PrivateKey),
    "ML-DSA-65": (1952, mldsa.MLDSA65PublicKey, mldsa.MLDSA65PrivateKey),
    "ML-DSA-87": (2592, mldsa.MLDSA87PublicKey, mldsa.MLDSA87PrivateKey),
}


def from_members(members: Mapping[str, Any], _legacy: bool) -> Material:
    alg = members.get("alg")
    if not isinstance(alg, str) or alg not in _CLASSES:
        refuse("an AKP key states its algorithm, one of ML-DSA-44, -65 and -87 (RFC 9964 3)", claim="alg")
    size, public_class, private_class = _CLASSES[alg]
    pub = octets_member(members, "pub")
    if len(pub) != size:
        refuse(f"the public key of {alg} has {size} octets", claim="pub")
    private = None
    if "priv" in members:
        seed = octets_member(members, "priv")
        if len(seed) != SEED_BYTES:
            refuse(f"the private key of {alg} is a seed of {SEED_BYTES} octets", claim="priv")
        private = private_class.from_seed_bytes(seed)
        if private.public_key().public_bytes_raw() != pub:
            refuse("the private key does not fit its public key", claim="priv")
    return _material(alg, public_class.from_public_bytes(pub), private)


def from_native(native: Any, _legacy: bool) -> Material:
    for alg, (_, public_class, private_class) in _CLASSES.items():
        if isinstance(native, public_class):
            return _material(alg, native, None)
        if isinstance(native, private_class):
            return _material(alg, native.public_key(), native)
    return refuse("not an AKP key")


def generate(alg: str) -> Material:
    """Make a key of ``alg``."""
    private = _CLASSES[alg][2].generate()
    return _material(alg, private.public_key(), private)


def private_members(material: Material) -> dict[str, str]:
    return {"priv": b64url_encode(material.private.private_bytes_raw())}


def _material(alg: str, public: Any, private: Any) -> Material:
    pub = public.public_bytes_raw()
    identity = {"alg": alg, "kty": "AKP", "pub": b64url_encode(pub)}
    # The algorithm takes the curve's place: what else a key of this type could be used with is nothing.
    return Material("AKP", alg, identity, public, private, len(pub) * 8)
