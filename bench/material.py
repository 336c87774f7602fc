"""What is signed and encrypted: one realistic access token of twelve claims, and keys for every family."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from mintmark import Key

__all__ = ["AUDIENCE", "ISSUER", "SIGNATURES", "Suite", "claims", "suite"]

ISSUER = "https://auth.example.com"
AUDIENCE = "https://orders.example.com"
SIGNATURES = ("HS256", "RS256", "PS256", "ES256", "Ed25519", "ML-DSA-44")


def claims(jwt_id: str = "pW3sWLnAqmr0kEbC4pX1nA") -> dict[str, Any]:
    """Return the claims of an access token (RFC 9068)."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": AUDIENCE,
        "client_id": "mobile-app-production",
        "iat": now,
        "nbf": now,
        "exp": now + 36_000,
        "jti": jwt_id,
        "scope": "orders:read orders:write profile email",
        "sid": "b1f0c7ae-3f0e-4d3a-9f62-5d6c0f1f4a11",
        "roles": ["customer", "beta-tester"],
        "tenant": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }


@dataclass(frozen=True)
class Suite:
    """One algorithm with its key in every form that a library may want."""

    alg: str
    key: Key
    verifying: Key
    secret: bytes | None
    private_pem: bytes
    public_pem: bytes
    private_jwk: dict[str, Any]
    public_jwk: dict[str, Any]

    @property
    def is_shared(self) -> bool:
        return self.secret is not None


def suite(alg: str) -> Suite:
    """Return fresh keys for one algorithm."""
    key = Key.generate(alg, kid="2026-11")
    if key.kty == "oct":
        secret = key.material.private
        jwk = key.to_jwk(private=True)
        return Suite(alg, key, key, secret, b"", b"", jwk, jwk)
    has_pem = key.kty != "AKP"
    return Suite(
        alg,
        key,
        key.public,
        None,
        key.to_pem(private=True).encode() if has_pem else b"",
        key.public.to_pem().encode() if has_pem else b"",
        key.to_jwk(private=True),
        key.public.to_jwk(),
    )
