"""What a token endpoint answers (RFC 6749 5, RFC 8693 2.2): read strictly, shown never. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from mintmark.errors import ErrorCode, FetchFailed, MintmarkError
from mintmark.jose.encoding import json_object
from mintmark.net import Response

__all__ = ["Token", "TokenRefused", "read_members", "read_token_response"]

_DEFAULT_LIFETIME = 60.0  # seconds, where the answer says nothing: RFC 6749 5.1 only recommends expires_in
_LONGEST_LIFETIME = 86400.0
_TOKEN = re.compile(r"[ -~]+")  # RFC 6749 A.12: nothing that could end a header's line
_UNPRINTABLE = re.compile(r"[^ !#-\[\]-~]")  # RFC 6749 5.2


@dataclass(frozen=True, slots=True)
class Token:
    """An access token to call with. Its ``repr`` shows no token.

    ``expires_at`` is in seconds since the epoch; ``scope`` is what was granted, where the issuer said so.
    """

    access_token: str = field(repr=False)
    expires_at: float
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750 4, a type
    scope: str | None = None
    issued_token_type: str | None = None
    refresh_token: str | None = field(default=None, repr=False)

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"{self.token_type} {self.access_token}"


class TokenRefused(MintmarkError):
    """The token endpoint refused (RFC 6749 5.2). ``error`` is its word for why."""

    default_code = ErrorCode.TOKEN_REQUEST_REFUSED

    def __init__(self, message: str, *, error: str, status: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.error = error
        self.status = status


def read_token_response(response: Response, *, now: float) -> Token:
    """Read the answer of a token endpoint.

    :raises TokenRefused: it refused.
    :raises FetchFailed: the answer is neither a token nor a refusal.
    """
    members = read_members(response)
    token, kind = members.get("access_token"), members.get("token_type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(kind, str):
        raise _odd(response.status)
    # RFC 6749 5.1: the type's case does not matter; a header is written in the usual one
    known = {"bearer": "Bearer", "dpop": "DPoP"}.get(kind.lower())
    if known is None:
        raise FetchFailed("The token endpoint gave a token of a type that is not known.", actual=kind[:40])
    return Token(
        token,
        now + _lifetime(members.get("expires_in")),
        known,
        _optional(members.get("scope")),
        _optional(members.get("issued_token_type")),
        _optional(members.get("refresh_token")) or None,
    )


def read_members(response: Response) -> dict[str, Any]:
    """Read what an endpoint granted (RFC 6749 5.1).

    :raises TokenRefused: it refused (RFC 6749 5.2). :raises FetchFailed: the answer is neither.
    """
    try:
        members = json_object(response.body)
    except MintmarkError:
        raise _odd(response.status) from None
    if response.status == 200:
        return members
    error = members.get("error")
    if not isinstance(error, str) or not 400 <= response.status < 500:
        raise _odd(response.status)
    raise _refused(error, members.get("error_description"), response.status)


def _refused(error: str, description: object, status: int) -> TokenRefused:
    word = _UNPRINTABLE.sub("?", error)[:100]
    said = _UNPRINTABLE.sub("?", description)[:200] if isinstance(description, str) else ""
    return TokenRefused(
        f"The token endpoint refused: {word}{f' ({said})' if said else ''}.",
        error=word,
        status=status,
        hint=_HINTS.get(word),
    )


_HINTS = {
    "invalid_client": "Check client_id and client_secret against what the issuer has registered.",
    "unauthorized_client": "The issuer does not allow this client this grant: register it there.",
    "invalid_scope": "Ask only for scopes that the issuer has registered for this client.",
    "invalid_target": "The issuer does not let this client call that audience.",
    "invalid_grant": "What was presented is expired, revoked or not for this client.",
}


def _odd(status: int) -> FetchFailed:
    return FetchFailed(f"The token endpoint gave no token and no reason: status {status}.", actual=status)


def _lifetime(value: object) -> float:
    """Read ``expires_in``; some issuers write it as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return _DEFAULT_LIFETIME
    return min(max(float(value), 0.0), _LONGEST_LIFETIME)


def _optional(value: object) -> str | None:
    return value if isinstance(value, str) else None
