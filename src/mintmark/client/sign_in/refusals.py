"""What signing in can come to when it does not succeed."""

from __future__ import annotations

from typing import Any

from mintmark.errors import ErrorCode, KeysUnavailable, MintmarkError

__all__ = ["SessionEnded", "SignInRefused", "SignInUnavailable"]


class SignInRefused(MintmarkError):
    """A request of a browser is refused: forged, replayed, for another browser, or denied by the issuer.

    ``status`` is the HTTP status of the page that says so.
    """

    default_code = ErrorCode.CSRF_SUSPECTED

    def __init__(self, message: str, *, status: int = 400, **details: Any) -> None:
        super().__init__(message, **details)
        self.status = status


class SignInUnavailable(KeysUnavailable):
    """The issuer cannot be reached, and without it nobody can be recognised: answer 503, not 401."""

    default_code = ErrorCode.FETCH_FAILED


class SessionEnded(MintmarkError):
    """The session is over: signed out, refused by the issuer, or at its end. The person signs in again."""

    default_code = ErrorCode.CREDENTIALS_MISSING
