"""How a test sends a token and what comes back, whatever client or framework it uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from mintmark.errors import ConfigurationError, InvalidToken
from mintmark.hostile import Answer

__all__ = ["AsyncSend", "Send", "answer_of", "calling", "crashed"]

Send = Callable[[str | None], Any]
"""Sends a token, or None, and returns the response of any HTTP or test client, a status, or an Answer."""
AsyncSend = Callable[[str | None], Awaitable[Any]]

_OK: Final = 200
_UNAUTHORIZED: Final = 401


def answer_of(response: Any) -> Answer:
    """Read what ``send`` returned.

    :raises ConfigurationError: when it is nothing that has a status.
    """
    if isinstance(response, Answer):
        return response
    if isinstance(response, Coroutine):
        response.close()
        raise ConfigurationError("send is asynchronous", hint="Await aassert_refuses(send, …) instead.")
    status = response if isinstance(response, int) else _attribute(response, "status_code", "status")
    if isinstance(status, bool) or not isinstance(status, int):
        raise ConfigurationError(
            "send returns the response of an HTTP client, a status, or an Answer",
            actual=type(response).__name__,
            hint="For a function that verifies tokens: assert_refuses(calling(verify), …).",
        )
    body = _attribute(response, "content", "data")
    return Answer(int(status), body if isinstance(body, bytes) else b"")


def _attribute(response: Any, *names: str) -> Any:
    return next((getattr(response, name) for name in names if hasattr(response, name)), None)


def crashed(error: Exception) -> Answer:
    """Return the answer of a service that let an exception out."""
    return Answer(0, crash=type(error).__name__)


def calling(
    verify: Callable[[str], Any], *, refuses: type[Exception] | tuple[type[Exception], ...] = InvalidToken
) -> Send:
    """Make a ``send`` of a function that takes a token and returns its claims.

    :param refuses: what it raises to refuse; None and False for an answer refuse as well. Anything else that
        it raises is a finding.
    """

    def send(token: str | None) -> Answer:
        if token is None:
            return Answer(_UNAUTHORIZED)
        try:
            result = verify(token)
        except refuses:
            return Answer(_UNAUTHORIZED)
        return Answer(_UNAUTHORIZED if result is None or result is False else _OK)

    return send
