"""From the payload of a verified token to its claims, in few steps where the token is like the one before.

The tokens of one issuer have few layouts: the same claims in the same order. For a layout that comes again,
JSON and the form that the policy asks for are read in one go, by a decoder that knows the claims by name and
takes nothing that :mod:`mintmark.jwt.acceptance` would not recognise. It passes over names that it does not
know, so what it read counts only where encoding it gives back the very same bytes (as in
:mod:`mintmark.jose.encoding`): then nothing was passed over, and nothing stood there twice.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final, TypedDict

import msgspec

from mintmark.jose.encoding import NOT_ORDINARY, json_object, ordinary_json
from mintmark.jwt.acceptance import claim_kinds, compile_further, compile_shape
from mintmark.jwt.policy import Policy

__all__ = ["ClaimsReader"]

# What is learnt stays, so that nobody whose claims come in ever new layouts can keep us learning.
MOST_LAYOUTS: Final = 16
MOST_CLAIMS: Final = 32
MOST_BYTES: Final = 4096

Layout = Callable[[bytes], dict[str, Any]]
Span = tuple[float, float]

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

    def read(self, payload: bytes, now: float) -> tuple[dict[str, Any], Span | None]:
        """Return the claims, and the span ``[from, until)`` in which they pass; None for it: look closely.

        :raises MalformedToken: when the payload is no JSON object, or an ambiguous one.
        """
        layout, same = self._layout, False
        if layout is not None:
            try:
                members = layout(payload)
                same = _encode(members) == payload
            except NOT_ORDINARY:
                pass  # the long way says what it is
        if not same:
            members = json_object(payload, "the claims set")
            if not self._recognise(members):
                return members, None
            self._learn(members, payload)
        issued, begins = members.get("iat", 0), members.get("nbf", 0)
        start = (issued if issued > begins else begins) - self._leeway
        until = members["exp"] + self._leeway if self._expires else inf
        if self._max_age is not None:
            until = min(until, issued + self._max_age + self._leeway)
        if not start <= now < until:
            return members, None
        audiences = self._audiences
        if audiences is not None and type(members["aud"]) is list and audiences.isdisjoint(members["aud"]):
            return members, None
        if self._further is not None and not self._further(members):
            return members, None
        return members, (start, until)

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
