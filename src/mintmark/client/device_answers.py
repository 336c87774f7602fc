"""What an issuer says during a device flow (RFC 8628 3.2, 3.5), and what follows from it. Pure."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from mintmark.client.tokens import TokenRefused, read_members
from mintmark.errors import ErrorCode, FetchFailed, MintmarkError
from mintmark.net import Response

__all__ = [
    "DeviceAuthorization",
    "DeviceFlowEnded",
    "Ending",
    "Polling",
    "after_failure",
    "read_authorization",
]

_INTERVAL: Final = 5.0  # RFC 8628 3.2, where the issuer names none
_SLOWER: Final = 5.0  # RFC 8628 3.5
_LONGEST_INTERVAL: Final = 300.0
_LONGEST_LIFE: Final = 86_400.0
_USER_CODE: Final = re.compile(r"[^\W_](?:[\w. -]{0,62}[^\W_])?")
_DEVICE_CODE: Final = re.compile(r"[ -~]{1,4096}")  # RFC 6749 A
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,2048}", re.IGNORECASE)


class Ending(StrEnum):
    """How a device flow ends without a token."""

    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class DeviceFlowEnded(MintmarkError):
    """The person said no, took too long, or the program cancelled; ``ending`` says which."""

    default_code = ErrorCode.TOKEN_REQUEST_REFUSED

    def __init__(self, message: str, *, ending: Ending, **details: Any) -> None:
        super().__init__(message, **details)
        self.ending = ending


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """What to show the person: go to ``verification_uri`` and enter ``user_code``.

    ``verification_uri_complete``, where there is one, holds the code too: for a QR code (RFC 8628 3.3.1; show
    the code beside it all the same). ``expires_at`` is in seconds since the epoch, ``interval`` in seconds.
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_at: float
    interval: float
    device_code: str = field(repr=False)
    cancelled: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    def cancel(self) -> None:
        """Ask for the token no more. A thread that waits is told at once, a task at its next turn."""
        self.cancelled.set()


@dataclass(frozen=True, slots=True)
class Polling:
    """How often the issuer may be asked, and until when; in seconds."""

    interval: float
    expires_at: float

    def wait(self, now: float) -> float:
        """Return how long to wait before asking.

        :raises DeviceFlowEnded: nobody will say yes any more by then.
        """
        if now + self.interval >= self.expires_at:
            raise DeviceFlowEnded(
                "Nobody signed in before the code expired.",
                ending=Ending.EXPIRED,
                now=now,
                hint="Start again, and show the new code.",
            )
        return self.interval


def after_failure(polling: Polling, error: MintmarkError) -> Polling:
    """Decide after a request that gave no token: how to go on, or raise what ends the flow (RFC 8628 3.5)."""
    if isinstance(error, FetchFailed):  # no connection, or a server in trouble: ask half as often
        return replace(polling, interval=min(polling.interval * 2, _LONGEST_INTERVAL))
    match error.error if isinstance(error, TokenRefused) else None:
        case "authorization_pending":
            return polling
        case "slow_down":
            return replace(polling, interval=min(polling.interval + _SLOWER, _LONGEST_INTERVAL))
        case "access_denied":
            raise DeviceFlowEnded("The person said no.", ending=Ending.DENIED) from None
        case "expired_token":
            raise DeviceFlowEnded("The code expired.", ending=Ending.EXPIRED) from None
    raise error


def read_authorization(response: Response, *, now: float) -> DeviceAuthorization:
    """Read the answer of a device authorization endpoint.

    :raises TokenRefused: it refused.
    :raises FetchFailed: the answer is neither an authorization nor a refusal, or nothing to show a person: an
        address that is no web page's, a code that would steer a terminal.
    """
    members = read_members(response)
    complete = members.get("verification_uri_complete")
    return DeviceAuthorization(
        user_code=_matching(members, "user_code", _USER_CODE),
        verification_uri=_matching(members, "verification_uri", _ADDRESS),
        verification_uri_complete=complete and _matching(members, "verification_uri_complete", _ADDRESS),
        expires_at=now + _seconds(members, "expires_in"),
        interval=min(max(_seconds(members, "interval", _INTERVAL), 1.0), _LONGEST_INTERVAL),
        device_code=_matching(members, "device_code", _DEVICE_CODE),
    )


def _matching(members: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise FetchFailed(f"The device authorization has no usable {name}.", claim=name)
    return value


def _seconds(members: dict[str, Any], name: str, default: float | None = None) -> float:
    value = members.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise FetchFailed(f"The device authorization has no usable {name}.", claim=name)
    return float(min(value, _LONGEST_LIFE))
