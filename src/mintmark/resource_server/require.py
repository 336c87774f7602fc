"""What a request's token must carry beyond being valid: one object for every framework. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from mintmark.errors import ConfigurationError, ErrorCode

__all__ = ["Require", "Unmet", "granted_scopes"]

_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")  # RFC 6749 3.3: printable ASCII without space, quote and backslash


@dataclass(frozen=True, slots=True)
class Unmet:
    """What a valid token lacks, with all that a challenge and a log line say about it."""

    code: ErrorCode
    claim: str
    expected: Any
    actual: Any
    scope: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    max_age: float | None = None


@dataclass(frozen=True, slots=True)
class Require:
    """Conditions on the claims of a valid access token; all of them must hold.

    :param scopes: every one of these scopes (a list, or one text with spaces between).
    :param any_scope: at least one of these. A challenge names the first: put the least privilege first.
    :param acr: one of these authentication classes (RFC 9470).
    :param max_age: the person signed in at most this many seconds ago, by ``auth_time`` (RFC 9470).
    :param claims: claim names and what each must be; a list or set of values means any of them, and a claim
        that is a list needs to hold one: ``claims={"roles": ["admin", "owner"]}``.
    :param dpop: the token must be bound by DPoP (RFC 9449); the resource server must take such tokens.
    :raises ConfigurationError: a scope or acr that cannot be written in a challenge, a negative max_age.
    """

    scopes: Sequence[str] | str = ()
    any_scope: Sequence[str] | str = ()
    acr: Sequence[str] | str = ()
    max_age: float | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    dpop: bool = False

    def __post_init__(self) -> None:
        for name in ("scopes", "any_scope", "acr"):
            object.__setattr__(self, name, _texts(getattr(self, name), name))
        object.__setattr__(self, "claims", dict(self.claims))
        if self.max_age is not None and not (math.isfinite(self.max_age) and self.max_age >= 0):
            raise ConfigurationError("max_age must be a number of seconds, zero or more.", claim="max_age")

    def unmet(self, claims: Mapping[str, Any], *, now: float, leeway: float = 0.0) -> Unmet | None:
        """Return the first condition that the claims do not meet, or None."""
        return (
            (self._unmet_scope(claims) if self.scopes or self.any_scope else None)
            or (self._unmet_claim(claims) if self.claims else None)
            or (
                self._unmet_authentication(claims, now, leeway)
                if self.acr or self.max_age is not None
                else None
            )
        )

    def _unmet_scope(self, claims: Mapping[str, Any]) -> Unmet | None:
        granted = granted_scopes(claims)
        one_of = not self.any_scope or not granted.isdisjoint(self.any_scope)
        if one_of and granted.issuperset(self.scopes):
            return None
        needed = (*self.scopes, *(() if one_of else self.any_scope[:1]))
        return Unmet(
            ErrorCode.SCOPE_INSUFFICIENT,
            "scope",
            expected=" ".join(needed),
            actual=" ".join(sorted(granted)),
            scope=needed,
        )

    def _unmet_claim(self, claims: Mapping[str, Any]) -> Unmet | None:
        for name, wanted in self.claims.items():
            actual = claims.get(name)
            if not any(_same(one, other) for one in _several(wanted) for other in _several(actual)):
                return Unmet(ErrorCode.CLAIM_MISMATCH, name, expected=wanted, actual=actual)
        return None

    def _unmet_authentication(self, claims: Mapping[str, Any], now: float, leeway: float) -> Unmet | None:
        acr, auth_time = claims.get("acr"), claims.get("auth_time")
        if self.acr and not (isinstance(acr, str) and acr in self.acr):
            return self._step_up("acr", " ".join(self.acr), acr)
        if self.max_age is None:
            return None
        oldest = now - self.max_age
        if _is_time(auth_time) and auth_time >= oldest - leeway:
            return None
        return self._step_up("auth_time", oldest, auth_time)

    def _step_up(self, claim: str, expected: object, actual: object) -> Unmet:
        code = ErrorCode.AUTHENTICATION_INSUFFICIENT
        return Unmet(code, claim, expected, actual, acr=tuple(self.acr), max_age=self.max_age)


def granted_scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return a token's scopes: ``scope`` (RFC 9068 2.2.3), as a text or a list, else ``scp``."""
    value = claims.get("scope", claims.get("scp"))
    if isinstance(value, str):
        return frozenset(value.split(" ")) - {""}
    if isinstance(value, list | tuple):
        return frozenset(scope for scope in value if isinstance(scope, str))
    return frozenset()


def _texts(value: str | Iterable[Any], name: str) -> tuple[str, ...]:
    found = tuple(value.split() if isinstance(value, str) else value)
    for text in found:
        if not isinstance(text, str) or not _SCOPE_TOKEN.fullmatch(text):
            raise ConfigurationError(
                f"{name} holds a text with a space, a quote or a character beyond ASCII.", claim=name
            )
    return found


def _several(value: Any) -> tuple[Any, ...]:
    if isinstance(value, list | tuple | AbstractSet):
        return tuple(value)
    return () if value is None else (value,)


def _same(wanted: Any, actual: Any) -> bool:
    """Compare as JSON does: true is not 1, and "1" is not 1."""
    return isinstance(wanted, bool) == isinstance(actual, bool) and bool(wanted == actual)


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
