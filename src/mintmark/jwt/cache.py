"""What a verifier remembers while one key set lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jose.jws import verifier_for
from mintmark.jwt.claims import Claims

__all__ = ["Generation"]

LONGEST_TOKEN: Final = 16 * 1024
"""Longer tokens are verified each time, so that the number of entries bounds the memory."""

MOST_HEADERS: Final = 64


class Generation:
    """One key set, and the tokens that were verified with it.

    A new key set starts a new generation, so nothing verified with an old set can be found with a new one,
    even by a thread that was in the middle of it. The whole text of the token is the key of the map: no
    digest that could collide, no part that could be confused (attack S41). Each entry carries the span of
    times in which the policy accepts it.

    :ivar keys: the key set; the same object as long as the generation lasts.
    :ivar verify: from a signed token to (payload, header, key), compiled for these keys.
    :ivar good_headers: header objects that passed the policy, by identity.
    :ivar entries: from a token to (claims, valid from, valid until).
    """

    __slots__ = ("_limit", "_lock", "entries", "good_headers", "keys", "verify")

    def __init__(self, keys: Key | KeySet, limit: int) -> None:
        self.keys: Final = keys
        self.verify: Final[Callable[[str], tuple[bytes, Mapping[str, Any], Key]]] = verifier_for(keys)
        self.entries: Final[dict[str, tuple[Claims, float, float]]] = {}
        self.good_headers: dict[int, Mapping[str, Any]] = {}
        self._limit = limit
        self._lock = Lock()

    def remember_header(self, header: Mapping[str, Any]) -> None:
        """Keep a header that passed; holding it keeps its identity from being used again."""
        with self._lock:
            if len(self.good_headers) >= MOST_HEADERS:
                self.good_headers.clear()
            self.good_headers[id(header)] = header

    def remember(self, token: str, claims: Claims, start: float, until: float) -> None:
        """Keep a token that passed; the one kept longest makes room."""
        if not self._limit or len(token) > LONGEST_TOKEN:
            return
        entries = self.entries
        with self._lock:
            if len(entries) >= self._limit and token not in entries:
                entries.pop(next(iter(entries)))
            entries[token] = claims, start, until

    def forget(self, token: str) -> None:
        """Drop a token whose time is over."""
        with self._lock:
            self.entries.pop(token, None)
