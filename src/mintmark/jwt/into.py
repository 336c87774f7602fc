"""Typed claims: what ``Verifier(..., into=OrderClaims)`` turns verified claims into."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from typing import Any, TypeVar, is_typeddict

import msgspec

from mintmark.errors import ConfigurationError, ErrorCode, InvalidClaim
from mintmark.jwt.claims import Claims

__all__ = ["converter"]

T = TypeVar("T")


def converter(into: type[T]) -> Callable[[Claims], T]:
    """Return the function that turns claims into a new ``into`` on each call.

    Takes a dataclass, a ``TypedDict``, a ``msgspec.Struct``, or a pydantic model (known by its
    ``model_validate``; pydantic itself is not needed). Claims that the type does not name are ignored, unless
    it says otherwise.

    :raises ConfigurationError: when ``into`` is none of these.
    """
    if isinstance(into, type) or is_typeddict(into):
        if callable(getattr(into, "model_validate", None)):
            return _by_model(into)
        if is_dataclass(into) or is_typeddict(into) or issubclass(into, msgspec.Struct):
            return _by_msgspec(into)
    raise ConfigurationError(
        "into= takes a dataclass, a TypedDict, a msgspec.Struct or a pydantic model",
        hint="Without into=, verify() returns Claims, a read-only mapping.",
    )


def _by_msgspec(into: type[T]) -> Callable[[Claims], T]:
    try:
        msgspec.json.Decoder(into)  # finds out now whether the type can be built at all
    except TypeError as reason:
        raise ConfigurationError(f"into={into.__name__} cannot be built from JSON: {reason}") from None

    def convert(claims: Claims) -> T:
        try:
            return msgspec.convert(claims.to_dict(), into)
        except msgspec.ValidationError as error:
            path = str(error).partition(" - at `$")[2].rstrip("`").lstrip(".")
            raise _misfit(into, path) from None

    return convert


def _by_model(into: type[T]) -> Callable[[Claims], T]:
    validate: Callable[[dict[str, Any]], T] = into.model_validate  # type: ignore[attr-defined]

    def convert(claims: Claims) -> T:
        try:
            return validate(claims.to_dict())
        except ValueError as error:
            raise _misfit(into, _first_place(error)) from None

    return convert


def _first_place(error: ValueError) -> str:
    """Return where pydantic found the first problem, without the values that its text would show."""
    errors = getattr(error, "errors", None)
    found = errors() if callable(errors) else ()
    place: Iterable[object] = next((each.get("loc", ()) for each in found), ())
    return ".".join(map(str, place))


def _misfit(into: type[Any], place: str) -> InvalidClaim:
    return InvalidClaim(
        f"The claims do not fit {into.__name__}",
        code=ErrorCode.CLAIM_MALFORMED,
        claim=place or None,
        expected=into.__name__,
    )
