"""What a follower of a revocation feed knows about its connection, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["FeedPolicy", "FeedState", "broken", "heard", "is_stale", "retry_delay", "staleness"]

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class FeedPolicy:
    """Times in seconds.

    :param max_staleness: how long after the last sign of life the knowledge still counts as present.
    :param heartbeat_timeout: the longest silence before the connection is given up; the issuer sends
        something every 15 s.
    :param retry_first: the wait after a first cut; it doubles up to ``retry_most``, and jitter halves it at
        most. A second, so that what is revoked during an outage is known a second after it.
    """

    max_staleness: float = 60.0
    heartbeat_timeout: float = 40.0
    retry_first: float = 0.1
    retry_most: float = 1.0


@dataclass(frozen=True, slots=True)
class FeedState:
    """``last_id`` is the last event taken in; ``heard_at`` the last sign of life of a feed in step."""

    last_id: str | None = None
    heard_at: float = _NEVER
    failures: int = 0


def heard(state: FeedState, now: float, event_id: str | None = None) -> FeedState:
    """Something came over the connection: a heartbeat, or the event of that id."""
    return FeedState(event_id if event_id is not None else state.last_id, now, 0)


def broken(state: FeedState) -> FeedState:
    """The connection could not be made, or was cut."""
    return replace(state, failures=state.failures + 1)


def retry_delay(state: FeedState, policy: FeedPolicy, jitter: float) -> float:
    """Return how long to wait before the next try: exponential, bounded, spread by ``jitter`` (0 to 1)."""
    wait = min(policy.retry_most, policy.retry_first * 2.0 ** min(max(state.failures - 1, 0), 16))
    return wait * (0.5 + 0.5 * jitter)


def staleness(state: FeedState, now: float) -> float:
    """Return how old the knowledge is, in seconds; infinite before the first contact."""
    return max(0.0, now - state.heard_at)


def is_stale(state: FeedState, now: float, policy: FeedPolicy) -> bool:
    """Tell whether the knowledge is older than the policy allows."""
    return staleness(state, now) > policy.max_staleness
