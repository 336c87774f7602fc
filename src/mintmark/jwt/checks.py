"""The checks of a token's claims, one small function each, over (policy, header, claims, now).

They decide about tokens whose signature already holds. Each yields what it finds wrong, so that the first
problem can be raised and all of them can be listed. Nothing here knows a clock, a key or a cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeGuard

from mintmark.errors import ErrorCode, ExpiredToken, InvalidClaim, InvalidToken, MalformedToken
from mintmark.jwt.policy import MAX_TIME, Policy, media_type

__all__ = [
    "STRINGS",
    "TIMES",
    "form_problems",
    "is_time",
    "missing",
    "problems",
    "raise_first",
    "shown",
    "validity",
]

Members = Mapping[str, Any]

STRINGS: Final = ("sub", "jti", "azp", "client_id")
"""Claims that are strings wherever they stand: applications look people up with them (RFC 8725 3.8)."""

TIMES: Final = ("exp", "nbf", "iat")
"""Claims that are times wherever they stand (RFC 7519 2, NumericDate)."""

_SHOWN_LENGTH = 120


def shown(value: Any) -> Any:
    """Return what an error may carry of a value: short scalars as they are, otherwise only its kind."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_TIME else "a huge number"
    if isinstance(value, str):
        return value if len(value) <= _SHOWN_LENGTH else value[:_SHOWN_LENGTH] + "…"
    if isinstance(value, list):
        return [shown(member) for member in value[:8]]
    return "a JSON object" if isinstance(value, Mapping) else type(value).__name__


def is_time(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a NumericDate: a finite JSON number (no boolean) from 1970 to the year 9999."""
    # attacks C2, C3: numeric texts, booleans and infinities are no times
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_TIME


def _is_string_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(member, str) for member in value)


def missing(claim: str, where: str = "The token") -> InvalidClaim:
    """Return the problem of a claim that is not there."""
    return InvalidClaim(f"{where} has no {claim} claim", code=ErrorCode.CLAIM_MISSING, claim=claim)


def malformed(claim: str, expected: str, actual: Any) -> InvalidClaim:
    """Return the problem of a claim that is there in the wrong form."""
    return InvalidClaim(
        f"The {claim} claim is not {expected}",
        code=ErrorCode.CLAIM_MALFORMED,
        claim=claim,
        expected=expected,
        actual=shown(actual),
    )


def _stands(policy: Policy, claims: Members, name: str) -> bool:
    """Tell whether there is something to examine: a null for a needed claim is reported as missing, once."""
    return name in claims and not (claims[name] is None and name in policy.needed)


def _typ(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    # RFC 8725 3.11, attack C9: what was made for another purpose is not taken for this one
    if header.get("b64") is False:  # RFC 7797 7
        yield MalformedToken("A JWT must not use b64: false", code=ErrorCode.HEADER_INVALID, claim="b64")
    if policy.types is None:
        return
    typ = header.get("typ")
    found = media_type(typ) if isinstance(typ, str) else None
    if (typ is None) is (found is None) and found in policy.types:
        return
    kind = policy.profile.name if policy.profile is not None else "token that this verifier expects"
    yield InvalidToken(
        f"The typ of the header is not that of the {kind}",
        code=ErrorCode.TYP_MISMATCH,
        claim="typ",
        expected=sorted((member or "(absent)").removeprefix("application/") for member in policy.types),
        actual=shown(typ),
        hint="Another kind of token was presented; typ= states what an unusual issuer writes.",
    )


def _presence(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    for name in policy.needed:  # attacks C1, C6: exp and aud cannot be left out
        if claims.get(name) is None:
            yield missing(name)
    if policy.profile is not None:
        for name in policy.profile.forbidden:
            if name in claims:
                yield InvalidClaim(f"A {policy.profile.name} must not carry {name}", claim=name)


def _issuer(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    if not _stands(policy, claims, "iss"):
        return
    issuer = claims["iss"]
    if not isinstance(issuer, str):  # attack C7: a list that contains ours is not ours
        yield malformed("iss", "a string", issuer)
    elif policy.issuer is not None and issuer != policy.issuer:
        yield InvalidClaim(
            "The token is from another issuer", claim="iss", expected=policy.issuer, actual=shown(issuer)
        )


def _audience(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    if not _stands(policy, claims, "aud"):
        return
    audience = claims["aud"]
    # RFC 7519 4.1.3, attack C6: one string, or a list of nothing but strings; equality, never `in` a text
    members = [audience] if isinstance(audience, str) else audience
    if not members or not _is_string_list(members):
        yield malformed("aud", "a string or a list of strings", audience)
    elif policy.audiences is not None and policy.audiences.isdisjoint(members):
        expected: list[str] = sorted(policy.audiences)
        yield InvalidClaim(
            "The token is meant for another audience", claim="aud", expected=expected, actual=shown(audience)
        )


def _strings(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    more = policy.profile.strings if policy.profile is not None else ()
    for name in dict.fromkeys((*STRINGS, *more)):
        if _stands(policy, claims, name) and not isinstance(claims[name], str):
            yield malformed(name, "a string", claims[name])
    for name in policy.profile.string_lists if policy.profile is not None else ():
        if _stands(policy, claims, name) and not _is_string_list(claims[name]):
            yield malformed(name, "a list of strings", claims[name])


def _times(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    more = policy.profile.times if policy.profile is not None else ()
    for name in dict.fromkeys((*TIMES, *more)):
        if _stands(policy, claims, name) and not is_time(claims[name]):
            yield malformed(name, "a time (seconds since 1970, a finite number)", claims[name])


def _rules(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    if policy.profile is not None and policy.profile.rules is not None:
        yield from policy.profile.rules(claims, policy)


def _clock(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    leeway = policy.leeway
    # attack C4: nbf and iat are compared wherever they stand; no option switches that off
    for name in ("nbf", "iat"):
        value = claims.get(name)
        if is_time(value) and not value - leeway <= now:
            yield InvalidClaim(
                "The token is not valid yet" if name == "nbf" else "The token was issued in the future",
                code=ErrorCode.TOKEN_NOT_YET_VALID,
                claim=name,
                actual=value,
                now=now,
                skew=leeway,
                hint="If the difference is small, one of the two clocks is wrong.",
            )
    issued = claims.get("iat")
    if policy.max_age is not None and is_time(issued) and not now < issued + policy.max_age + leeway:
        yield InvalidClaim(
            "The token was issued too long ago",
            code=ErrorCode.TOKEN_TOO_OLD,
            claim="iat",
            expected=policy.max_age,
            actual=issued,
            now=now,
            skew=leeway,
        )
    expiry = claims.get("exp")
    if policy.expires and is_time(expiry) and not now < expiry + leeway:  # RFC 7519 4.1.4
        yield ExpiredToken("The token has expired", claim="exp", actual=expiry, now=now, skew=leeway)


_FORM: Final = (_presence, _issuer, _audience, _strings, _times, _rules)
_CHECKS: Final = (_typ, *_FORM, _clock)
"""In this order: what the token is, whose, for whom, its form, and last its times. An expired token that was
meant for somebody else is refused as such, so that nobody refreshes what will never be accepted."""


def problems(policy: Policy, header: Members, claims: Members, now: float) -> Iterator[InvalidToken]:
    """Yield everything that is wrong with the claims of a token whose signature holds."""
    for check in _CHECKS:
        yield from check(policy, header, claims, now)


def raise_first(found: Iterable[InvalidToken]) -> None:
    """Raise the first of these, if there is one.

    Not from a variable: its traceback leads to the frames that it passed, and one that leads back to it would
    keep all that those frames hold, tokens and keys, until the collector of cycles comes by.
    """
    first = list(islice(found, 1))
    if first:
        raise first.pop()


def form_problems(policy: Policy, claims: Members) -> Iterator[InvalidToken]:
    """Yield what is wrong with claims whatever the time: what an issuer must not make in the first place."""
    for check in _FORM:
        yield from check(policy, {}, claims, 0.0)


def validity(policy: Policy, claims: Members) -> tuple[float, float]:
    """Return the span ``[from, until)`` in which well-formed claims pass, by the same sums as the checks."""
    leeway = policy.leeway
    starts = [claims[name] - leeway for name in ("nbf", "iat") if name in claims]
    ends = []
    if policy.expires:
        ends.append(claims["exp"] + leeway)
    if policy.max_age is not None:
        ends.append(claims["iat"] + policy.max_age + leeway)
    return max(starts, default=float("-inf")), min(ends, default=float("inf"))
