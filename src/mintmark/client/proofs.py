"""DPoP proofs for every call, and the nonces that servers ask for (RFC 9449 4, 8, 9)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from mintmark.jose.jwk import Key
from mintmark.jwt.profiles.dpop import make_proof

__all__ = ["ProofMaker", "origin_of"]

_MOST_ORIGINS = 256


class ProofMaker:
    """Makes proofs with one key, and remembers the latest nonce of each server.

    :param key: the private key that tokens get bound to; keep it as long as the tokens live.
    """

    def __init__(self, key: Key, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self._nonces: OrderedDict[str, str] = OrderedDict()

    def prove(self, method: str, url: str, *, access_token: str | None = None) -> str:
        """Return a proof for one request."""
        nonce = self._nonces.get(origin_of(url))
        return make_proof(
            self._key, method=method, url=url, now=self._clock(), access_token=access_token, nonce=nonce
        )

    def learn(self, url: str, nonce: str) -> None:
        """Take note of the nonce that the server of this URL wants next (RFC 9449 8.2, 9)."""
        self._nonces[origin_of(url)] = nonce
        while len(self._nonces) > _MOST_ORIGINS:
            self._nonces.popitem(last=False)


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, as far as they are written."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
