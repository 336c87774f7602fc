"""What a verifier remembers while one key set lasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt.claims import Claims

__all__ = ["MARK", "Generation", "Memory"]

MARK: Final = slice(-64, None)
"""Where in its text a token is looked up: the end of its signature. What is found there counts only for the
very text that it was found for, so hashing 64 characters suffices, however long the token is."""

LONGEST_TOKEN: Final = 16 * 1024
"""Longer tokens are verified each time, so that the number of entries bounds the memory."""

MOST_HEADERS: Final = 64


class Memory:
    """The tokens that were verified with one key set, and the headers that passed.

    An entry holds the whole text of its token, and a hit must equal it: no digest that could collide, no part
    that could be confused (attack S41). Two tokens with the same mark have one place and displace each other,
    which costs a verification and nothing else. Each entry carries the span of times in which the policy
    accepts it.

    Threads share a memory without a lock: each step below is one operation on a dict or a deque.

    :ivar limit: how many tokens are kept.
    :ivar entries: from the mark of a token to (its text, claims, valid from, valid until).
    :ivar good_header: the header object that passed the policy last.
    """

    __slots__ = ("_good_headers", "_order", "entries", "good_header", "limit")

    def __init__(self, limit: int) -> None:
        self.limit: Final = limit
        self.entries: Final[dict[str, tuple[str, Claims, float, float]]] = {}
        self.good_header: Mapping[str, Any] | None = None
        self._good_headers: Final[dict[int, Mapping[str, Any]]] = {}
        self._order: Final[deque[str]] = deque()

    def knows(self, header: Mapping[str, Any]) -> bool:
        """Tell whether a header passed before, if not as the latest."""
        return self._good_headers.get(id(header)) is header

    def remember_header(self, header: Mapping[str, Any]) -> None:
        """Keep a header that passed; holding it keeps its identity from being used again."""
        if len(self._good_headers) >= MOST_HEADERS:
            self._good_headers.clear()
        self._good_headers[id(header)] = self.good_header = header

    def remember(self, token: str, claims: Claims, start: float, until: float) -> None:
        """Keep a token that passed; the one kept longest makes room."""
        if len(token) > LONGEST_TOKEN:
            return
        mark, order = token[MARK], self._order
        # The entry first and always: then each one has a place in the order, and goes when that comes up.
        self.entries[mark] = token, claims, start, until
        order.append(mark)
        if len(order) > self.limit:
            self.entries.pop(order.popleft(), None)

    def forget(self, token: str) -> None:
        """Drop a token whose time is over."""
        self.entries.pop(token[MARK], None)


class Generation(Struct, frozen=True):
    """One key set and what is remembered of it.

    A new key set starts a new generation, so nothing verified with an old set can be found with a new one,
    even by a thread that was in the middle of it. Nothing in a generation refers to the whole, so that a
    replaced one, its keys and its tokens, is gone at once.

    :ivar keys: the key set; the same object as long as the generation lasts.
    :ivar verify: from a token and the time to its claims, which it remembers; compiled for these keys.
    """

    keys: Key | KeySet
    verify: Callable[[str, float], Claims]
    memory: Memory
