"""The short way to a yes.

Nearly every token that a service sees is in order and has the ordinary shape. For those one compiled function
says yes, without building anything. It never says no: whatever it does not recognise at a glance goes through
:func:`mintmark.jwt.checks.problems`, which alone refuses. So the two can only differ if this one says yes to
something with a problem, and a property test looks for that.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from mintmark.jwt.checks import STRINGS, TIMES
from mintmark.jwt.policy import MAX_TIME, Policy

__all__ = ["Acceptance", "compile_acceptance", "compile_particulars"]

Acceptance = Callable[[dict[str, Any], float], tuple[float, float] | None]
"""(claims, now) -> the span ``[from, until)`` in which they pass, or None: look closely."""

_NO_LIST: Final[list[str]] = []


def compile_acceptance(policy: Policy) -> Acceptance:
    """Return the function that recognises the ordinary, acceptable claims of this policy."""
    if policy.issuer is None or policy.audiences is None or not policy.expires or policy.max_age is not None:
        return _look_closely  # unusual policies always take the long way
    issuer, audiences, leeway = policy.issuer, policy.audiences, policy.leeway
    particular = compile_particulars(policy)

    def accept(claims: dict[str, Any], now: float) -> tuple[float, float] | None:
        get = claims.get
        expiry = get("exp")
        start = get("iat", 0)
        begin = get("nbf", 0)
        if not (type(expiry) is type(start) is type(begin) is int):
            return None
        if begin > start:
            start, begin = begin, start
        if not (begin >= 0 and start - leeway <= now < (until := expiry + leeway) and expiry <= MAX_TIME):
            return None
        if start > MAX_TIME or get("iss") != issuer:
            return None
        audience = get("aud")
        if type(audience) is list:
            if not all(type(member) is str for member in audience) or audiences.isdisjoint(audience):
                return None
        elif type(audience) is not str or audience not in audiences:
            return None
        return (start - leeway, until) if particular(claims) else None

    return accept


def _look_closely(claims: dict[str, Any], now: float) -> None:
    return None


def compile_particulars(policy: Policy) -> Callable[[dict[str, Any]], bool]:
    """Return the function over what differs between policies: presence, strings, rules of the profile."""
    profile = policy.profile
    strings = frozenset(chain(STRINGS, profile.strings if profile is not None else ()))
    compared = {"iss", "aud", "exp"}
    present_strings = tuple(name for name in policy.needed if name in strings)
    present = tuple(name for name in policy.needed if name not in strings and name not in compared)
    optional_strings = tuple(strings.difference(policy.needed))
    lists = profile.string_lists if profile is not None else ()
    times = tuple(set(profile.times if profile is not None else ()).difference(TIMES))
    forbidden = profile.forbidden if profile is not None else ()
    rules = profile.rules if profile is not None else None

    def particular(claims: dict[str, Any]) -> bool:
        get = claims.get
        for name in present_strings:
            if type(get(name)) is not str:
                return False
        for name in optional_strings:
            if type(get(name, "")) is not str:
                return False
        for name in present:
            if get(name) is None:
                return False
        for name in times:
            value = get(name, 0)
            if type(value) is not int or not 0 <= value <= MAX_TIME:
                return False
        for name in lists:
            value = get(name, _NO_LIST)
            if type(value) is not list or not all(type(member) is str for member in value):
                return False
        if forbidden and not claims.keys().isdisjoint(forbidden):
            return False
        return rules is None or next(rules(claims, policy), None) is None

    return particular
