"""What clients and browsers hold: refresh tokens, codes, cookies. How they are made, and recognised.

=============  ===========================================  ==========================================
refresh token  ``mmr_<grant_id>.<generation>.<mac>``        not stored; the MAC also covers the client
code           ``mmc_<256 random bits>``                    stored as SHA-256
cookie         ``<256 random bits>``                        stored as SHA-256
=============  ===========================================  ==========================================

The prefixes let secret scanners find tokens that were published by mistake.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from msgspec import Struct

from mintmark.authorization_server.keys.secrets import MacKey, random_text
from mintmark.jose.encoding import b64url_encode

__all__ = [
    "CODE_PREFIX",
    "REFRESH_PREFIX",
    "Presented",
    "RefreshTokens",
    "b64url_sha256",
    "digest",
    "new_code",
    "new_cookie",
    "new_id",
    "verifier_fits",
]

REFRESH_PREFIX = "mmr_"
CODE_PREFIX = "mmc_"

_REFRESH = re.compile(r"mmr_([A-Za-z0-9_-]{22})\.([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{43})")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 4.1


class Presented(Struct, frozen=True):
    """What a genuine refresh token says."""

    grant_id: str
    generation: int


class RefreshTokens:
    """Makes refresh tokens and recognises its own, without looking anything up."""

    def __init__(self, key: bytes) -> None:
        self._key = MacKey(key)

    def __repr__(self) -> str:
        return "<RefreshTokens>"

    def make(self, grant_id: str, generation: int, client_id: str) -> str:
        """The token of that generation: the same text whenever it is asked for."""
        return f"{REFRESH_PREFIX}{grant_id}.{generation}.{self._mac(grant_id, generation, client_id)}"

    def read(self, token: str, client_id: str) -> Presented | None:
        """Return what the token says, or None if we did not make it for this client. Constant-time."""
        match = _REFRESH.fullmatch(token)
        if match is None:
            return None
        grant_id, generation = match[1], int(match[2])
        genuine = hmac.compare_digest(match[3], self._mac(grant_id, generation, client_id))
        return Presented(grant_id, generation) if genuine else None

    def _mac(self, grant_id: str, generation: int, client_id: str) -> str:
        said = f"{grant_id}.{generation}.{client_id}".encode()  # the first two cannot contain a dot
        return b64url_encode(self._key.mac(said))


def new_id() -> str:
    """128 random bits: for ``sid``, ``grant_id`` and the like."""
    return random_text(16)


def new_code() -> str:
    """An authorization code (RFC 6749 10.10: it cannot be guessed)."""
    return CODE_PREFIX + random_text(32)


def new_cookie() -> str:
    """A sign-in cookie's value."""
    return random_text(32)


def digest(secret: str) -> bytes:
    """What is stored of a code or a cookie. They are random, so that one hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def b64url_sha256(text: str) -> str:
    """The S256 challenge of a code verifier (RFC 7636 4.2)."""
    return b64url_encode(hashlib.sha256(text.encode("ascii")).digest())


def verifier_fits(verifier: str, challenge: str) -> bool:
    """PKCE with S256, the only method there is (RFC 7636 4.6)."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    expected = b64url_sha256(verifier)
    return hmac.compare_digest(expected.encode(), challenge.encode("utf-8", "surrogatepass"))
