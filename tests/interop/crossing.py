"""What both foreign implementations are asked to understand: algorithms, and a key for each."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from mintmark import Key

PAYLOAD: Final = '{"order":"4711","note":"größer"}'.encode()

HMAC: Final = ("HS256", "HS384", "HS512")
RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ECDSA: Final = ("ES256", "ES384", "ES512")
EDWARDS: Final = ("Ed25519", "EdDSA")
POST_QUANTUM: Final = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")

OAEP: Final = ("RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512")
WRAPPING: Final = ("A128KW", "A192KW", "A256KW", "A128GCMKW", "A192GCMKW", "A256GCMKW")
AGREEMENT: Final = ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW")
PASSWORD: Final = ("PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW")
ENCS: Final = ("A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512")
NIST: Final = ("P-256", "P-384", "P-521")


@cache
def _rsa() -> dict[str, Any]:
    members = Key.generate("RS256").to_jwk(private=True)
    return {name: value for name, value in members.items() if name not in {"alg", "use", "kid"}}


def private_key(alg: str, crv: str | None = None) -> Key:
    """Return one private key for an algorithm; RSA algorithms share the numbers, to save time."""
    return _private_key(alg, crv)


@cache
def _private_key(alg: str, crv: str | None) -> Key:
    if alg.startswith(("RS", "PS")):
        return Key.from_jwk(_rsa() | {"kid": f"rsa {alg}"}, alg=alg)
    if alg.startswith("PBES2"):
        return Key.from_secret(b"Thus from my lips", alg=alg)
    if alg in ENCS:  # a key that is used directly
        return Key.generate(alg, kid=f"direct {alg}")
    return Key.generate(alg, kid=f"{alg} {crv or ''}".strip(), crv=crv)


def jwk(key: Key) -> dict[str, Any]:
    """Return the whole key, as its owner gives it to another tool of their own."""
    return key.to_jwk(private=True)


def public_jwk(key: Key) -> dict[str, Any]:
    """Return what others get: the public half, or a shared secret."""
    return key.to_jwk(private=key.kty == "oct")


def bare(members: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says what a key is for."""
    return {name: value for name, value in members.items() if name not in {"alg", "use", "kid", "key_ops"}}


def allowed(alg: str) -> tuple[str, ...]:
    """Name the algorithm where it is off unless it is named."""
    return (alg,) if alg.startswith("PBES2") or alg == "RSA1_5" else ()


def management() -> list[tuple[str, str, str | None]]:
    """Every (alg, enc, crv) to try: each alg once, with the encryptions in turn; each enc directly."""
    found: list[tuple[str, str, str | None]] = [("dir", enc, None) for enc in ENCS]
    rest = [(alg, None) for alg in (*OAEP, *WRAPPING, *PASSWORD)]
    rest += [(alg, crv) for alg in AGREEMENT for crv in (*NIST, "X25519")]  # type: ignore[misc]
    for index, (alg, crv) in enumerate(rest):
        found.append((alg, ENCS[index % len(ENCS)], crv))
    return found


def encryption_key(alg: str, enc: str, crv: str | None) -> Key:
    """Return the key for a row of :func:`management`."""
    return private_key(enc if alg == "dir" else alg, crv)
