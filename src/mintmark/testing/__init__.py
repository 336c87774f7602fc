"""For tests of services: an issuer in the process, a clock that stands still, and broken tokens to throw.

The pytest plugin (:mod:`mintmark.testing.plugin`) hands these out as fixtures; they work without it as well.
"""

from __future__ import annotations

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
