"""Claims read as a verifier reads them, without a signature around them."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

from tokens import EC_KEY

from mintmark.jwt.cache import MARK, Memory
from mintmark.jwt.claims import Claims, raw_members
from mintmark.jwt.policy import Policy
from mintmark.jwt.reader import ClaimsReader

HEADER = {"alg": "ES256"}


class Reader:
    """Says what it reads, and the span in which that passes where it was recognised at a glance, or None."""

    def __init__(self, policy: Policy) -> None:
        self._memory = Memory(limit=1)
        self._memory.remember_header(HEADER)
        self._accept = ClaimsReader(policy).accepting(self._memory, lambda members, *_: cast(Any, members))
        self._tokens = map("token {}".format, count())

    def read(self, payload: bytes, now: float) -> tuple[dict[str, Any], tuple[float, float] | None]:
        token = next(self._tokens)
        claims = self._accept(payload, HEADER, EC_KEY, token, now)
        if not isinstance(claims, Claims):
            return claims, None
        assert (claims.header, claims.key) == (HEADER, EC_KEY)
        text, kept, start, until = self._memory.entries[token[MARK]]
        assert text == token
        assert kept is claims
        return raw_members(claims), (start, until)
