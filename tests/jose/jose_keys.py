"""One key of each algorithm, made once, and its JWK with changes."""

from __future__ import annotations

from functools import cache
from typing import Any

from mintmark.jose.encoding import b64url_decode, b64url_encode
from mintmark.jose.jwk import Key

ALL = (
    *("HS256", "RS256", "PS384", "ES256", "ES384", "ES512", "ES256K", "Ed25519", "Ed448", "EdDSA"),
    *("ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "dir", "A128GCM", "A256CBC-HS512", "A192KW", "A256GCMKW"),
    *("ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256", "RSA1_5", "PBES2-HS256+A128KW"),
)
PAIRS = tuple(alg for alg in ALL if alg[:2] in ("RS", "PS", "ES", "Ed", "ML", "EC"))


@cache
def key_for(alg: str) -> Key:
    return Key.generate(alg)


def jwk(made_for: str, *, private: bool = True, **changes: Any) -> dict[str, Any]:
    """Return the JWK of a key made for an algorithm, changed; None takes a member away."""
    members = {**key_for(made_for).to_jwk(private=private), **changes}
    return {name: value for name, value in members.items() if value is not None}


def number(members: dict[str, Any], name: str) -> int:
    return int.from_bytes(b64url_decode(members[name]))


def uint(value: int) -> str:
    return b64url_encode(value.to_bytes((value.bit_length() + 7) // 8))
