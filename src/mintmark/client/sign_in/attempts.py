"""Attempts to sign in: what one browser is in the middle of, kept in its own sealed cookie. Pure.

State, nonce and PKCE verifier are independent random values (attack O3), made for one attempt, and end
with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mintmark.jose.encoding import b64url_encode

__all__ = ["ATTEMPT_LIFETIME", "Attempt", "kept_attempts", "match", "read_attempts"]

ATTEMPT_LIFETIME = 600.0  # seconds a person has to sign in at the issuer
_MOST_ATTEMPTS = 4  # tabs of one browser; beyond it the oldest is forgotten


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``repr`` shows none of its secrets."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str = field(repr=False)
    ends_at: float

    @classmethod
    def begin(cls, return_to: str, now: float) -> Attempt:
        """Begin an attempt: 256 random bits for each of its secrets."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, return_to, now + ATTEMPT_LIFETIME)

    @property
    def challenge(self) -> str:
        """The S256 code challenge (RFC 7636 4.2)."""
        return b64url_encode(hashlib.sha256(self.verifier.encode("ascii")).digest())


def read_attempts(members: Mapping[str, Any] | None, now: float) -> tuple[Attempt, ...]:
    """Return the attempts of an opened cookie that are still going on."""
    try:
        found = [Attempt(**item) for item in (members or {}).get("attempts", ())]
    except TypeError:  # written by another version of this code
        return ()
    return tuple(attempt for attempt in found if now < attempt.ends_at)


def kept_attempts(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return what the cookie holds."""
    return {"attempts": [asdict(attempt) for attempt in attempts[-_MOST_ATTEMPTS:]]}


def match(attempts: Sequence[Attempt], state: str | None) -> Attempt | None:
    """Return the attempt that a state belongs to, compared in constant time."""
    given = (state or "").encode("utf-8", "surrogatepass")
    found = [a for a in attempts if hmac.compare_digest(a.state.encode("ascii"), given)]
    return found[0] if found else None
