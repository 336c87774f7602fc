"""One class per OAuth error: what a client may read, and a detail that only the log gets.

``code`` and ``description`` go on the wire (RFC 6749 4.1.2.1, 5.2; OpenID Connect Core 3.1.2.6; RFC 6750 3.1;
RFC 8693 2.2.2; RFC 8707 2). ``detail`` never does, and like the description it never holds a token, a code
or a secret.
"""

from __future__ import annotations

import re
from typing import ClassVar

__all__ = [
    "AccessDenied",
    "ConsentRequired",
    "InsufficientScope",
    "InvalidClient",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidScope",
    "InvalidTarget",
    "InvalidToken",
    "LoginRequired",
    "OAuthError",
    "RequestNotSupported",
    "RequestUriNotSupported",
    "TemporarilyUnavailable",
    "TooManyRequests",
    "UnauthorizedClient",
    "UnsupportedGrantType",
    "UnsupportedResponseType",
]

# RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E
_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class OAuthError(Exception):
    """A refusal that the protocol has a name for.

    :param description: one sentence for the developer of the client.
    :param detail: more for the operator's log.
    :param headers: further response headers.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(
        self, description: str, *, detail: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.description = _NOT_ALLOWED.sub("'", description)
        super().__init__(self.description)
        self.detail = detail
        self.headers = headers or {}

    def body(self) -> dict[str, str]:
        """Return the members of the JSON answer, or the parameters of a redirect."""
        return {"error": self.code, "error_description": self.description}


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, malformed or contradicts another."""

    code = "invalid_request"


class InvalidClient(OAuthError):
    """The client is unknown, or did not authenticate in its registered way."""

    code = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    """The code, refresh token or subject token is made up, used, expired, revoked or another client's."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """The client is not registered for what it asks."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """No such grant here."""

    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """Only ``code`` is spoken here."""

    code = "unsupported_response_type"


class InvalidScope(OAuthError):
    """The scope is malformed, or wider than what the client or the grant may have."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """The resource or audience is unknown, or not for this client (RFC 8707 2, RFC 8693 2.2.2)."""

    code = "invalid_target"


class AccessDenied(OAuthError):
    """The person said no."""

    code = "access_denied"
    status = 403


class LoginRequired(OAuthError):
    """``prompt=none``, and the person would have to sign in."""

    code = "login_required"


class ConsentRequired(OAuthError):
    """``prompt=none``, and the person would have to be asked."""

    code = "consent_required"


class RequestNotSupported(OAuthError):
    """Request objects by value are not spoken here."""

    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """Request objects by reference are not spoken here."""

    code = "request_uri_not_supported"


class InvalidToken(OAuthError):
    """The access token at one of our own resources is refused (RFC 6750 3.1)."""

    code = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """The access token is good, and not for this (RFC 6750 3.1)."""

    code = "insufficient_scope"
    status = 403


class TooManyRequests(OAuthError):
    """Too many wrong secrets; later the right one works again."""

    code = "temporarily_unavailable"
    status = 429


class TemporarilyUnavailable(OAuthError):
    """The service is busy; try again."""

    code = "temporarily_unavailable"
    status = 503
