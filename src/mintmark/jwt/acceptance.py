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

from msgspec import Meta, Struct, ValidationError, convert, defstruct

from mintmark.jwt.checks import STRINGS, TIMES
from mintmark.jwt.policy import MAX_TIME, Policy

__all__ = ["Acceptance", "compile_acceptance", "compile_form"]

Acceptance = Callable[[dict[str, Any], float], tuple[float, float] | None]
"""(claims, now) -> the span ``[from, until)`` in which they pass, or None: look closely."""

# Whole seconds are the ordinary time. A fraction is a time as well, and takes the long way.
_TIME: Final = Annotated[int, Meta(ge=0, le=MAX_TIME)]
_NAMES: Final = Annotated[list[str], Meta(min_length=1)]
_ANYTHING_BUT_NULL: Final = bool | int | float | str | list[Any] | dict[str, Any]


def compile_form(policy: Policy) -> Callable[[dict[str, Any]], Any]:
    """Return the function that recognises well-formed claims of this policy, whatever the time.

    It gives an object with their ``exp``, ``nbf``, ``iat`` (0 where absent) and ``aud``, or None.
    """
    shape = _shape(policy)
    forbidden = policy.profile.forbidden if policy.profile is not None else ()
    rules = policy.profile.rules if policy.profile is not None else None

    def recognise(claims: dict[str, Any]) -> Any:
        try:
            known = convert(claims, shape)
        except ValidationError:
            return None
        if forbidden and not claims.keys().isdisjoint(forbidden):
            return None
        if rules is not None and next(rules(claims, policy), None) is not None:
            return None
        return known

    return recognise


def compile_acceptance(policy: Policy) -> Acceptance:
    """Return the function that recognises the ordinary, acceptable claims of this policy."""
    recognise, leeway, expires = compile_form(policy), policy.leeway, policy.expires
    audiences, max_age = policy.audiences, policy.max_age

    def accept(claims: dict[str, Any], now: float) -> tuple[float, float] | None:
        known = recognise(claims)
        if known is None:
            return None
        start = (known.iat if known.iat > known.nbf else known.nbf) - leeway
        until = known.exp + leeway if expires else inf
        if max_age is not None:
            until = min(until, known.iat + max_age + leeway)
        if not start <= now < until:
            return None
        if type(known.aud) is list and audiences is not None and audiences.isdisjoint(known.aud):
            return None
        return start, until

    return accept


def _shape(policy: Policy) -> type[Struct]:
    """Return the type of well-formed claims: what must be there, of which kind, and whose."""
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
