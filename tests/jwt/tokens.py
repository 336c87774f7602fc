"""What the tests of tokens share: one moment, a few keys, and tokens with any claims and header."""

from __future__ import annotations

from typing import Any

from mintmark import Claims, Issuer, Key, KeySet, Verifier, jws
from mintmark.jose.encoding import json_encode

NOW = 1_800_000_000.0
ISSUER = "https://auth.example.com"
AUDIENCE = "orders"

KEY = Key.from_secret(bytes(range(32)), alg="HS256", kid="shared")
EC_KEY = Key.generate("ES256", kid="ec")
OTHER_EC_KEY = Key.generate("ES256", kid="other")


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    """Return acceptable claims with changes; ``...`` takes one out."""
    members = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "exp": int(NOW) + 600,
        "iat": int(NOW),
    } | changes
    return {name: value for name, value in members.items() if value is not ...}


def access_claims(**changes: Any) -> dict[str, Any]:
    """Return what an access token says (RFC 9068 2.2)."""
    return claims(**({"client_id": "app", "jti": "t-1", "scope": "orders:read"} | changes))


def token(
    members: Any = None, *, key: Key = KEY, typ: Any = "JWT", payload: bytes | None = None, **header: Any
) -> str:
    """Return a signed token with exactly these claims; ``typ=None`` leaves typ out."""
    body = json_encode(claims() if members is None else members) if payload is None else payload
    return jws.sign(body, key, header=header if typ is None else {"typ": typ, **header})


def verifier(**changes: Any) -> Verifier[Claims]:
    """Return a verifier of such tokens."""
    options: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "keys": KEY, "clock": Clock()}
    return Verifier(**(options | changes))


def issuer(key: Key = KEY, clock: Clock | None = None) -> Issuer:
    """Return an issuer of such tokens."""
    return Issuer(ISSUER, key, clock=clock or Clock())


class Source:
    """A key source whose set is replaced by hand, and which counts what it was asked."""

    def __init__(self, *generations: KeySet | None) -> None:
        self.generations = list(generations)
        self.asked: list[str | None] = []
        self.blocking_calls = 0

    def current(self) -> KeySet | None:
        return self.generations[0]

    def _advance(self, kid: str | None) -> KeySet:
        self.asked.append(kid)
        if len(self.generations) > 1:
            self.generations.pop(0)
        keys = self.generations[0]
        assert keys is not None
        return keys

    def refresh(self, kid: str | None) -> KeySet:
        self.blocking_calls += 1
        return self._advance(kid)

    async def arefresh(self, kid: str | None) -> KeySet:
        return self._advance(kid)
