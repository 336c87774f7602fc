"""A clock that only a test moves."""

from __future__ import annotations

import time

__all__ = ["FrozenClock"]


class FrozenClock:
    """Gives one time until it is told another: what ``clock=`` takes everywhere in mintmark.

    :param now: where it stands, in seconds since the epoch; by default now, so that tokens made by it pass
        with a service that looks at a real clock, too.
    """

    __slots__ = ("now",)

    def __init__(self, now: float | None = None) -> None:
        self.now = float(int(time.time())) if now is None else now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        """Move it (back, when negative) and return the new time."""
        self.now += seconds
        return self.now

    def __repr__(self) -> str:
        return f"<FrozenClock at {self.now}>"
