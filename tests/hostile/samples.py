"""Good tokens to break, one per algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mintmark import ACCESS_TOKEN, Claims, Issuer, Key, KeySet, Verifier
from mintmark.hostile import Intruders, Sample

NOW = 1_800_000_000.0
ISSUER = "https://auth.example.com"
ALGORITHMS = (
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "RS256",
    "PS256",
    "Ed25519",
    "EdDSA",
    "Ed448",
    "HS256",
    "ML-DSA-44",
)
INTRUDERS = Intruders()


@dataclass(frozen=True)
class Given:
    """An issuer's key, a good token of it, and a verifier that accepts the token."""

    key: Key
    token: str

    @property
    def public(self) -> Key:
        """What a verifier has."""
        return self.key if self.key.kty == "oct" else self.key.public

    def verifier(self, *, in_a_set: bool = True) -> Verifier[Claims]:
        keys = KeySet([self.public]) if in_a_set else self.public
        return Verifier(issuer=ISSUER, audience="orders", keys=keys, profile=ACCESS_TOKEN, clock=lambda: NOW)

    def sample(self, *, owned: bool = True) -> Sample:
        public = None if self.key.kty == "oct" else self.key.public
        return Sample.of(
            self.token, public_key=public, signing_key=self.key if owned else None, intruders=INTRUDERS
        )


@cache
def given(alg: str) -> Given:
    key = Key.generate(alg)
    token = Issuer(ISSUER, key, clock=lambda: NOW).issue(
        subject="alice",
        audience="orders",
        lifetime=600,
        profile=ACCESS_TOKEN,
        claims={"client_id": "app", "scope": "orders:read"},
    )
    return Given(key, token)
