"""What a verifier asks of a token, as data. Everything is required until it is waived by name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, Literal

from msgspec import Struct

from mintmark.errors import ConfigurationError
from mintmark.jwt.profile import Profile

__all__ = ["DEFAULT_LEEWAY", "MAX_LEEWAY", "MAX_TIME", "UNCHECKED", "Policy", "Unchecked", "media_type"]

MAX_TIME: Final = 253402300799
"""The last second of the year 9999: no honest token names a later one."""

DEFAULT_LEEWAY: Final = 30.0
MAX_LEEWAY: Final = 300.0


class _Waiver(Enum):
    UNCHECKED = "UNCHECKED"

    def __repr__(self) -> str:
        return self.value


UNCHECKED: Final = _Waiver.UNCHECKED
"""The word that waives a check: ``Verifier(..., audience=UNCHECKED)``."""

Unchecked = Literal[_Waiver.UNCHECKED]


def media_type(typ: str) -> str:
    """Return a ``typ`` or ``cty`` in the one spelling that can be compared.

    Media types ignore case, and a value without a slash stands for ``application/`` and that value
    (RFC 7515 4.1.9, RFC 8725 3.11).
    """
    folded = typ.lower()
    return folded if "/" in folded else f"application/{folded}"


_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CLAIM_NAME: Final = re.compile(r'[^"\\\x00-\x1f]+')

_ORDINARY_JWT: Final = frozenset({None, media_type("JWT")})


class Policy(Struct, frozen=True):
    """Every check of the claims, decided once.

    ``None`` for issuer, audiences or types means: waived by name. ``needed`` lists what must be there.
    """

    issuer: str | None
    audiences: frozenset[str] | None
    types: frozenset[str | None] | None
    leeway: float
    expires: bool
    max_age: float | None
    needed: tuple[str, ...]
    profile: Profile | None

    @classmethod
    def build(
        cls,
        *,
        issuer: str | Unchecked,
        audience: str | Iterable[str] | Unchecked,
        profile: Profile | None = None,
        typ: str | Sequence[str | None] | Unchecked | None = None,
        leeway: float = DEFAULT_LEEWAY,
        expires: Literal[True] | Unchecked = True,
        max_age: float | None = None,
        required: Iterable[str] = (),
    ) -> Policy:
        """Check what the caller asks for and put it into one form.

        :raises ConfigurationError: when something is missing, empty or of the wrong kind.
        """
        if expires is not True and expires is not UNCHECKED:
            raise ConfigurationError("expires is True, or UNCHECKED to accept tokens whatever their exp says")
        if isinstance(required, str) or not isinstance(required, Iterable):
            raise ConfigurationError("required is a list of claim names")
        if profile is not None and not isinstance(profile, Profile):
            raise ConfigurationError("profile= takes a Profile: ACCESS_TOKEN, ID_TOKEN, …")
        compared = {
            "iss": issuer is not UNCHECKED,
            "aud": audience is not UNCHECKED,
            "exp": expires is True,
            "iat": max_age is not None,
        }
        needed = [name for name, asked in compared.items() if asked]
        if profile is not None:
            needed += [_claim_name(name, "the profile") for name in profile.required]
            for name in (*profile.strings, *profile.string_lists, *profile.times):
                _claim_name(name, "the profile")
        needed += [_claim_name(name, "required") for name in required]
        return cls(
            issuer=None if issuer is UNCHECKED else _text(issuer, "issuer"),
            audiences=None if audience is UNCHECKED else frozenset(_texts(audience, "audience")),
            types=_types(typ, profile),
            leeway=_seconds(leeway, "leeway", MAX_LEEWAY),
            expires=expires is True,
            max_age=None if max_age is None else _seconds(max_age, "max_age", MAX_TIME),
            needed=tuple(dict.fromkeys(needed)),
            profile=profile,
        )


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(
            f"{what} must be stated as a non-empty text",
            hint=f"Say {what}=... or waive the check by name: {what}=UNCHECKED.",
        )
    text = str.__str__(value)  # an enumeration's member as its value
    if _SURROGATE.search(text):
        raise ConfigurationError(f"{what} has a lone surrogate, which no token can hold")
    return text


def _claim_name(name: object, where: str) -> str:
    text = _text(name, where)
    if not _CLAIM_NAME.fullmatch(text):
        raise ConfigurationError(
            f"{where} names a claim with a quotation mark, a backslash or a control character"
        )
    return text


def _texts(value: object, what: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value, what),)
    if not isinstance(value, Iterable):
        raise ConfigurationError(f"{what} must be a text or a list of texts", hint=f"Or {what}=UNCHECKED.")
    found = tuple(_text(member, what) for member in value)
    if not found:
        raise ConfigurationError(f"{what} is an empty list: nothing could ever pass")
    return found


def _seconds(value: object, what: str, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ConfigurationError(f"{what} is a number of seconds from 0 to {most:.0f}")
    return float(value) if math.isfinite(value) else most


def _types(typ: object, profile: Profile | None) -> frozenset[str | None] | None:
    if typ is UNCHECKED:
        return None
    if typ is None:
        return _ORDINARY_JWT if profile is None else frozenset(profile.types)
    stated = (typ,) if isinstance(typ, str) else tuple(typ) if isinstance(typ, Iterable) else ()
    if not stated:
        raise ConfigurationError(
            "typ is a text or a non-empty list of texts", hint="typ=UNCHECKED waives it."
        )
    return frozenset(None if member is None else media_type(_text(member, "typ")) for member in stated)
