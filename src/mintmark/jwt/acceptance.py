"""The short way to a yes.

Nearly every token that a service sees is in order and has the ordinary shape. The policy is therefore
compiled once into a type whose instances are the ordinary, acceptable claims, and the codec finds out in one
go whether claims are such an instance. This way never says no: whatever it does not recognise at a glance
goes through
:func:`mintmark.jwt.checks.problems`, which alone refuses. So the two can only differ if this one says yes to
something with a problem, and a property test looks for that.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from math import inf
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, ValidationError, convert, defstruct

from mintmark.jwt.checks import STRINGS, TIMES
from mintmark.jwt.policy import MAX_TIME, Policy

__all__ = ["Acceptance", "compile_acceptance", "compile_form"]

Acceptance = Callable[[dict[str, Any], float], tuple[float, float] | None]
"""(claims, now) -> the span ``[from, until)`` in which they pass, or None: look closely."""

# Whole seconds are the ordinary time. A fraction is a time as well, and takes the long way.
_TIME: Final = Annotated[int, Meta(ge=0, le=MAX_TIME)]
_NAMES: Final = Annotated[list[str], Meta(min_length=1)]
_ANYTHING_BUT_NULL: Final = bool | int | float | str | list[Any] | dict[str, Any]


def compile_form(policy: Policy) -> Callable[[dict[str, Any]], bool]:
    """Return the function that recognises well-formed claims of this policy, whatever the time."""
    shape, further = _shape(policy), _further(policy)

    def recognise(claims: dict[str, Any]) -> bool:
        try:
            convert(claims, shape)
        except ValidationError:
            return False
        return further is None or further(claims)

    return recognise


def compile_acceptance(policy: Policy) -> Acceptance:
    """Return the function that recognises the ordinary, acceptable claims of this policy."""
    shape, further = _shape(policy), _further(policy)
    leeway, expires = policy.leeway, policy.expires
    audiences, max_age = policy.audiences, policy.max_age

    def accept(claims: dict[str, Any], now: float) -> tuple[float, float] | None:
        try:
            known = convert(claims, shape)
        except ValidationError:
            return None
        issued, begins = known.iat, known.nbf
        start = (issued if issued > begins else begins) - leeway
        until = known.exp + leeway if expires else inf
        if max_age is not None:
            until = min(until, issued + max_age + leeway)
        if not start <= now < until:
            return None
        if type(known.aud) is list and audiences is not None and audiences.isdisjoint(known.aud):
            return None
        return (start, until) if further is None or further(claims) else None

    return accept


def _further(policy: Policy) -> Callable[[dict[str, Any]], bool] | None:
    """Return the function for what no type can say: claims that must not be there, rules of the profile."""
    profile = policy.profile
    if profile is None or not (profile.forbidden or profile.rules):
        return None
    forbidden, rules = profile.forbidden, profile.rules

    def holds(claims: dict[str, Any]) -> bool:
        if not claims.keys().isdisjoint(forbidden):
            return False
        return rules is None or next(rules(claims, policy), None) is None

    return holds


def _shape(policy: Policy) -> Any:
    """Return the type of well-formed claims: what must be there, of which kind, and whose.

    Its instances have ``exp``, ``nbf``, ``iat`` (0 where absent) and ``aud`` by name.
    """
    profile = policy.profile
    kinds: dict[str, Any] = dict.fromkeys(policy.needed, _ANYTHING_BUT_NULL)
    kinds |= dict.fromkeys(chain(TIMES, profile.times if profile is not None else ()), _TIME)
    kinds |= dict.fromkeys(chain(STRINGS, profile.strings if profile is not None else ()), str)
    kinds |= dict.fromkeys(profile.string_lists if profile is not None else (), list[str])
    kinds["iss"] = str if policy.issuer is None else Literal[policy.issuer]
    kinds["aud"] = (str if policy.audiences is None else Literal[tuple(policy.audiences)]) | _NAMES
    defaults: dict[Any, Any] = {_TIME: 0}
    fields, names = [], {}
    for index, (name, kind) in enumerate(kinds.items()):
        field = name if name in {"exp", "nbf", "iat", "aud"} else f"claim_{index}"
        names[field] = name
        needed = name in policy.needed
        fields.append((field, kind) if needed else (field, kind, defaults.get(kind)))
    return defstruct("OrdinaryClaims", fields, rename=names, kw_only=True, frozen=True, gc=False)
