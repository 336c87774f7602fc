"""From the payload of a verified token to its claims, in few steps where the token is like the one before.

The tokens of one issuer have few layouts: the same claims in the same order. For a layout that comes again,
JSON and the form that the policy asks for are read in one go, by a decoder that knows the claims by name and
takes nothing that :mod:`mintmark.jwt.acceptance` would not recognise. It passes over names that it does not
know, so what it read counts only where encoding it gives back the very same bytes (as in
:mod:`mintmark.jose.encoding`): then nothing was passed over, and nothing stood there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final, TypedDict

import msgspec

from mintmark.jose.encoding import NOT_ORDINARY, json_object, ordinary_json
from mintmark.jose.jwk import Key
from mintmark.jwt.acceptance import claim_kinds, compile_further, compile_shape
from mintmark.jwt.cache import Memory
from mintmark.jwt.claims import Claims
from mintmark.jwt.policy import Policy

__all__ = ["Accept", "ClaimsReader"]

# What is learnt stays, so that nobody whose claims come in ever new layouts can keep us learning.
MOST_LAYOUTS: Final = 16
MOST_CLAIMS: Final = 32
MOST_BYTES: Final = 4096

Layout = Callable[[bytes], dict[str, Any]]
Accept = Callable[[bytes, Mapping[str, Any], Key, str, float], Claims]
Closely = Callable[[dict[str, Any], Mapping[str, Any], Key, str, float], Claims]

_ANYTHING: Final = ordinary_json(3)
# By the library that decodes: after a signature, the code of another would have to come from far away.
_encode: Final = msgspec.json.Encoder().encode


class ClaimsReader:
    """Reads the claims of tokens under one policy, and says yes to the ordinary, acceptable ones.

    Never says no: whatever it does not recognise at a glance goes through
    :func:`mintmark.jwt.checks.problems`, which alone refuses. So the two can only differ if this one says yes
    to something with a problem, and property tests look for that.

    Threads share it without a lock: whichever layout one of them leaves behind, it proves itself each time.
    """

    __slots__ = (
        "_audiences",
        "_expires",
        "_further",
        "_kinds",
        "_layout",
        "_layouts",
        "_leeway",
        "_max_age",
        "_names",
        "_recognise",
    )

    def __init__(self, policy: Policy) -> None:
        self._kinds = claim_kinds(policy) or {}
        self._recognise = compile_shape(policy)
        self._further = compile_further(policy)
        self._audiences = policy.audiences
        self._expires = policy.expires
        self._leeway = policy.leeway
        self._max_age = policy.max_age
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._layout: Layout | None = None
        self._names: tuple[str, ...] = ()

    def accepting(self, memory: Memory, closely: Closely) -> Accept:
        """Return the function from what was verified with one key set to its claims.

        One function: every call between its steps shows in the measurements.

        :param memory: of that key set: what passes is remembered there.
        :param closely: decides where something is out of the ordinary.
        """
        new = object.__new__
        recognise, further, audiences = self._recognise, self._further, self._audiences
        leeway, expires, max_age = self._leeway, self._expires, self._max_age

        def accept(payload: bytes, header: Mapping[str, Any], key: Key, token: str, now: float) -> Claims:
            layout, same = self._layout, False
            if layout is not None:
                try:
                    members = layout(payload)
                    same = _encode(members) == payload
                except NOT_ORDINARY:
                    pass  # the long way says what it is
            if not same:
                members = json_object(payload, "the claims set")
                if not recognise(members):
                    return closely(members, header, key, token, now)
                self._learn(members, payload)
            issued, begins = members.get("iat", 0), members.get("nbf", 0)
            start = (issued if issued > begins else begins) - leeway
            until = members["exp"] + leeway if expires else inf
            if max_age is not None:
                until = min(until, issued + max_age + leeway)
            if (
                not start <= now < until
                or (header is not memory.good_header and not memory.knows(header))
                or (
                    audiences is not None
                    and type(members["aud"]) is list
                    and audiences.isdisjoint(members["aud"])
                )
                or (further is not None and not further(members))
            ):
                return closely(members, header, key, token, now)
            # Claims(members, header, key), without the way to its __init__ in Python
            claims = new(Claims)
            claims._members, claims._header, claims._key = members, header, key
            if memory.limit:
                memory.remember(token, claims, start, until)
            return claims

        return accept

    def _learn(self, members: dict[str, Any], payload: bytes) -> None:
        """Take up a layout that came twice in a row; leave the present one, which did not fit."""
        names = tuple(members)
        self._layout = None
        if names == self._names and _encode(members) == payload:
            self._layout = self._layouts.get(names) or self._compiled(names, len(payload))
        self._names = names

    def _compiled(self, names: tuple[str, ...], size: int) -> Layout | None:
        """Return the decoder for a new layout, unless it is out of the ordinary or one too many."""
        if len(self._layouts) >= MOST_LAYOUTS or len(names) > MOST_CLAIMS or size > MOST_BYTES:
            return None
        kinds = {name: self._kinds.get(name, _ANYTHING) for name in names}
        decoder = msgspec.json.Decoder(TypedDict("OrdinaryClaims", kinds))  # type: ignore[operator]
        layout = self._layouts[names] = decoder.decode
        return layout
