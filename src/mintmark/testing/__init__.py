"""For tests of services: an issuer in the process, a clock that stands still, and broken tokens to throw.

The pytest plugin (:mod:`mintmark.testing.plugin`) hands these out as fixtures; they work without it as well.
Names are loaded when they are first used: every run of pytest loads the plugin, and with it this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mintmark.testing.clock import FrozenClock
    from mintmark.testing.evil import EvilToken, evil_tokens
    from mintmark.testing.examining import Report, Result, aassert_refuses, assert_refuses
    from mintmark.testing.issuer import LocalIssuer
    from mintmark.testing.revocations import LocalRevocations
    from mintmark.testing.sending import calling

__all__ = [
    "EvilToken",
    "FrozenClock",
    "LocalIssuer",
    "LocalRevocations",
    "Report",
    "Result",
    "aassert_refuses",
    "assert_refuses",
    "calling",
    "evil_tokens",
]

_HOMES: Final = {
    "EvilToken": "evil",
    "FrozenClock": "clock",
    "LocalIssuer": "issuer",
    "LocalRevocations": "revocations",
    "Report": "examining",
    "Result": "examining",
    "aassert_refuses": "examining",
    "assert_refuses": "examining",
    "calling": "sending",
    "evil_tokens": "evil",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
