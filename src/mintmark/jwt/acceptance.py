"""The form of ordinary, acceptable claims.

Nearly every token that a service sees is in order and has the ordinary shape. The policy is therefore
compiled once into types, and a codec finds out in one go whether claims are of these. What they do not take
may still be in order: :func:`mintmark.jwt.checks.problems` decides about it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, ValidationError, convert, defstruct

from mintmark.jose.encoding import ordinary_json
from mintmark.jwt.checks import STRINGS, TIMES
from mintmark.jwt.policy import MAX_TIME, Policy

__all__ = ["claim_kinds", "compile_form", "compile_further", "compile_shape"]

Recognise = Callable[[dict[str, Any]], bool]

# Whole seconds are the ordinary time. A fraction is a time as well, and takes the long way.
_TIME: Final = Annotated[int, Meta(ge=0, le=MAX_TIME)]
_NAMES: Final = Annotated[list[str], Meta(min_length=1)]
_ANYTHING_BUT_NULL: Final = ordinary_json(3, null=False)


def claim_kinds(policy: Policy) -> dict[str, Any] | None:
    """Return the types of the claims that the policy knows, by name, where they are there.

    None when the profile says more of a claim than one of these types: nothing is ordinary then.
    """
    profile = policy.profile
    kinds: dict[str, Any] = {
        "iss": str if policy.issuer is None else Literal[policy.issuer],
        "aud": (str if policy.audiences is None else Literal[tuple(policy.audiences)]) | _NAMES,
    }
    rows = chain(
        zip(chain(TIMES, profile.times if profile is not None else ()), repeat(_TIME)),
        zip(chain(STRINGS, profile.strings if profile is not None else ()), repeat(str)),
        zip(profile.string_lists if profile is not None else (), repeat(list[str])),
    )
    for name, kind in rows:
        if kinds.setdefault(str.__str__(name), kind) != kind:  # an enumeration's member as its value
            return None
    return dict.fromkeys(policy.needed, _ANYTHING_BUT_NULL) | kinds


def compile_shape(policy: Policy) -> Recognise:
    """Return the function that knows claims of the right types, with all that must be there."""
    known = claim_kinds(policy)
    if known is None:
        return lambda claims: False
    # a field for each claim, in a name that Python takes
    kinds = [(f"claim_{index}", *item) for index, item in enumerate(known.items())]
    fields = [(field, kind) if name in policy.needed else (field, kind, None) for field, name, kind in kinds]
    names = {field: name for field, name, _ in kinds}
    shape: Any = defstruct("OrdinaryClaims", fields, rename=names, kw_only=True, gc=False)

    def recognise(claims: dict[str, Any]) -> bool:
        try:
            convert(claims, shape)
        except ValidationError:
            return False
        return True

    recognise({})  # msgspec finishes the type when it is first used, which two threads must not do at once
    return recognise


def compile_further(policy: Policy) -> Recognise | None:
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


def compile_form(policy: Policy) -> Recognise:
    """Return the function that recognises well-formed claims of this policy, whatever the time."""
    shaped, further = compile_shape(policy), compile_further(policy)
    if further is None:
        return shaped
    return lambda claims: shaped(claims) and further(claims)
