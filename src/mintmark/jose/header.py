"""The JOSE header: reading it strictly, and the rules that JWS and JWE share (RFC 7515 4, RFC 7516 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn

from mintmark.errors import ConfigurationError, ErrorCode, MalformedToken
from mintmark.jose.encoding import b64url_decode, json_encode, json_object

__all__ = [
    "MAX_HEADER_CHARACTERS",
    "check_header",
    "join",
    "octets_parameter",
    "read_header",
    "refuse_header",
    "unprotected_parameters",
]

MAX_HEADER_CHARACTERS: Final = 65_536
MAX_KID_CHARACTERS: Final = 1024

_TEXTS: Final = ("alg", "enc", "kid", "typ", "cty", "jku", "x5u", "x5t", "x5t#S256", "zip")


def read_header(text: str) -> dict[str, Any]:
    """Return the members of an encoded protected header.

    :raises MalformedToken: when it is too long, not base64url, or not one unambiguous JSON object.
    """
    if len(text) > MAX_HEADER_CHARACTERS:
        raise MalformedToken(
            f"the header is longer than {MAX_HEADER_CHARACTERS} characters", code=ErrorCode.TOKEN_TOO_LARGE
        )
    return json_object(b64url_decode(text, what="the header"), what="the header")


def check_header(
    joined: Mapping[str, Any], protected: Mapping[str, Any], *, understood: frozenset[str] = frozenset()
) -> None:
    """Apply the rules on registered parameters to a header that may be partly unprotected.

    :param joined: all parameters that apply.
    :param protected: those that are integrity-protected.
    :param understood: the extensions that the caller acts upon.
    :raises MalformedToken: with code ``header_invalid`` or ``crit_not_understood``.
    """
    if "alg" not in joined:
        refuse_header("alg", "the header names no algorithm (RFC 7515 4.1.1)")
    for name in _TEXTS:
        if name in joined and type(joined[name]) is not str:
            refuse_header(name, f"the header parameter {name!r} is text (RFC 7515 4.1)")
    if len(joined.get("kid", "")) > MAX_KID_CHARACTERS:
        refuse_header("kid", f"the kid is longer than {MAX_KID_CHARACTERS} characters")
    if "crit" in joined:
        _check_crit(joined, protected, understood)


def _check_crit(joined: Mapping[str, Any], protected: Mapping[str, Any], understood: frozenset[str]) -> None:
    """RFC 7515 4.1.11: protected, not empty, no name twice, each present, protected and understood."""
    crit = protected.get("crit")
    if not isinstance(crit, list | tuple) or not crit or not all(type(name) is str for name in crit):
        refuse_header("crit", "crit is a protected, non-empty list of names (RFC 7515 4.1.11)")
    if len(set(crit)) != len(crit):
        refuse_header("crit", "crit names a parameter twice (RFC 7515 4.1.11)")
    for name in crit:
        if name not in understood:
            raise MalformedToken(
                "the header has a critical extension that is not understood (RFC 7515 4.1.11)",
                code=ErrorCode.CRIT_NOT_UNDERSTOOD,
                claim="crit",
                actual=name[:80],
            )
        if name not in protected:
            refuse_header("crit", f"the critical parameter {name!r} is not in the protected header")


def join(*headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the union of header parts, whose names must be disjoint (RFC 7515 7.2.1, RFC 7516 7.2.1).

    :raises MalformedToken: when a name appears in two parts.
    """
    joined: dict[str, Any] = {}
    for header in headers:
        for name, value in header.items():
            if name in joined:
                refuse_header(name[:80], "a header parameter appears both protected and unprotected")
            joined[name] = value
    return joined


def unprotected_parameters(
    given: Mapping[str, Any] | None, *, protected_only: Collection[str]
) -> dict[str, Any]:
    """Return what a sender wants to leave unprotected, as JSON will say it.

    :raises ConfigurationError: when JSON cannot say it, or a name belongs in the protected header.
    """
    if not isinstance(given, Mapping | None):
        raise ConfigurationError("unprotected header parameters are a mapping from names to values")
    for name in protected_only:
        if name in (given or {}):
            raise ConfigurationError(f"{name} belongs in the protected header", claim=name)
    return json_object(json_encode(given or {}))


def octets_parameter(
    header: Mapping[str, Any],
    name: str,
    *,
    size: int | None = None,
    min_size: int = 0,
    max_size: int | None = None,
) -> bytes:
    """Return the octets of a base64url parameter that must be there, of ``size`` or of a length in a range.

    :raises MalformedToken: with code ``header_invalid``.
    """
    text = header.get(name)
    if type(text) is not str:
        refuse_header(name, f"the header has no text parameter {name!r}")
    try:
        octets = b64url_decode(text)
    except MalformedToken:
        refuse_header(name, f"the header parameter {name!r} is not base64url")
    least, most = (size, size) if size is not None else (min_size, max_size)
    if len(octets) < least or (most is not None and len(octets) > most):
        refuse_header(name, f"the header parameter {name!r} has a wrong length")
    return octets


def refuse_header(name: str, message: str) -> NoReturn:
    """Raise MalformedToken for a header parameter."""
    raise MalformedToken(message, code=ErrorCode.HEADER_INVALID, claim=name) from None
