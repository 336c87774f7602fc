"""When to serve a fetched key set, when to fetch again and when to give up: a pure state machine.

Every function takes the state, the event and the time, and returns the next state or a decision. Nothing here
knows threads, sockets or what a key is; :mod:`mintmark.resource_server.remote_keys` drives it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

__all__ = [
    "CachePolicy",
    "CacheState",
    "Decision",
    "attempted",
    "attempted_for_kid",
    "decide",
    "decide_for_kid",
    "failed",
    "fetched",
    "is_unknown",
    "is_usable",
    "lifetime",
    "missed",
    "retry_after",
]

S = TypeVar("S")
_NEVER = float("-inf")
_CLOCK_SLIP = 1.0  # seconds that a clock may step back before everything planned by it is planned anew


class Decision(Enum):
    """What a caller who needs keys is to do now."""

    SERVE = "serve"
    SERVE_AND_REFRESH = "serve the set, fetch in the background"
    SERVE_STALE = "serve the last good set: fetching failed just now"
    FETCH = "wait for a fetch"
    GIVE_UP = "no set, and fetching failed just now"


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """Times in seconds.

    :param min_ttl: how long a set is fresh at least, whatever ``Cache-Control`` says; ``max_ttl`` at most.
    :param default_ttl: for an issuer that says nothing.
    :param cooldown: how long a fetch that was made for an unknown ``kid`` takes to be earned again; two may
        come at once, so that one bad token does not stand in the way of a key that is new.
    :param max_stale: how long the last good set serves when fetching fails; then no set is served at all.
    :param unknown_ttl: how long a ``kid`` that a fetch did not bring is not fetched for again.
    :param unknown_size: of how many such kids that is remembered.
    :param retry_first: the wait after a first failed fetch; it doubles up to ``retry_most``.
    """

    min_ttl: float = 60.0
    max_ttl: float = 3600.0
    default_ttl: float = 600.0
    cooldown: float = 30.0
    max_stale: float = 86400.0
    unknown_ttl: float = 30.0
    unknown_size: int = 256
    retry_first: float = 1.0
    retry_most: float = 30.0


@dataclass(frozen=True, slots=True)
class CacheState(Generic[S]):
    """What is known of one issuer's key set. The initial state knows nothing."""

    keys: S | None = None
    etag: str | None = None
    fetched_at: float = _NEVER
    refresh_at: float = _NEVER
    fresh_until: float = _NEVER
    attempted_at: float = _NEVER
    retry_at: float = _NEVER
    failures: int = 0
    kids_earned_at: float = _NEVER  # when both fetches for unknown kids are there again
    unknown: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


def is_usable(state: CacheState[S], now: float, policy: CachePolicy) -> bool:
    """Tell whether the set may serve at all: fetched, and not longer ago than ``max_stale``."""
    return state.keys is not None and now - state.fetched_at < policy.max_stale


def decide(state: CacheState[S], now: float, policy: CachePolicy) -> Decision:
    """Decide for a caller who needs the set, whatever key is in it."""
    turned_back = now < state.attempted_at - _CLOCK_SLIP
    if not is_usable(state, now, policy):
        return Decision.GIVE_UP if now < state.retry_at and not turned_back else Decision.FETCH
    if turned_back:
        return Decision.SERVE_AND_REFRESH
    if now < state.refresh_at:
        return Decision.SERVE
    if now < state.retry_at:
        return Decision.SERVE_STALE
    # Once fetching has failed, no caller waits for the next try: the stale set serves meanwhile.
    if now < state.fresh_until or state.failures:
        return Decision.SERVE_AND_REFRESH
    return Decision.FETCH


def decide_for_kid(state: CacheState[S], kid: str | None, now: float, policy: CachePolicy) -> Decision:
    """Decide for a caller whose ``kid`` is not in the set (None: whose token names none).

    A stranger can make up as many kids as they like: they cause two fetches, then one per cooldown, and a kid
    that was fetched for in vain causes none until ``unknown_ttl`` has passed or the set has changed. Fetches
    that were due anyway do not count: a key may be new, in an emergency, a moment after one of them.
    """
    decision = decide(state, now, policy)
    if decision in (Decision.FETCH, Decision.GIVE_UP):
        return decision
    if kid is not None and is_unknown(state, kid, now):
        return decision
    if now < state.retry_at or not _is_earned(state, now, policy):
        return decision
    return Decision.FETCH


def _is_earned(state: CacheState[S], now: float, policy: CachePolicy) -> bool:
    wait = state.kids_earned_at - policy.cooldown - now
    return wait <= 0 or wait > policy.cooldown  # longer than it can be: the clock has stepped back


def is_unknown(state: CacheState[S], kid: str, now: float) -> bool:
    """Tell whether a fetch was made for this ``kid`` a short while ago, in vain."""
    return state.unknown.get(kid, _NEVER) > now


def attempted(state: CacheState[S], now: float) -> CacheState[S]:
    """A fetch begins."""
    return replace(state, attempted_at=now)


def attempted_for_kid(state: CacheState[S], now: float, policy: CachePolicy) -> CacheState[S]:
    """A fetch begins that only an unknown ``kid`` asked for."""
    latest = now + policy.cooldown  # from where one more may be spent
    earned_at = min(max(state.kids_earned_at, now), latest) + policy.cooldown
    return replace(attempted(state, now), kids_earned_at=earned_at)


def fetched(
    state: CacheState[S],
    keys: S,
    *,
    etag: str | None,
    ttl: float,
    now: float,
    policy: CachePolicy,
    jitter: float,
) -> CacheState[S]:
    """A fetch brought a set: it replaces the old one whole, so that a removed key is gone.

    :param keys: the very same object as before when nothing changed.
    :param ttl: how long the issuer lets it be cached; clamped here.
    :param jitter: from 0 to 1; spreads the refreshes of many verifiers over time.
    """
    ttl = min(max(ttl, policy.min_ttl), policy.max_ttl)
    return CacheState(
        keys=keys,
        etag=etag,
        fetched_at=now,
        refresh_at=now + ttl * (0.75 + 0.2 * jitter),
        fresh_until=now + ttl,
        attempted_at=state.attempted_at,
        kids_earned_at=state.kids_earned_at,
        unknown=state.unknown if keys is state.keys else MappingProxyType({}),
    )


def failed(state: CacheState[S], *, now: float, policy: CachePolicy, jitter: float) -> CacheState[S]:
    """A fetch failed: keep what there is, and wait longer after each failure."""
    wait = min(policy.retry_most, policy.retry_first * 2 ** min(state.failures, 16))
    return replace(state, failures=state.failures + 1, retry_at=now + wait * (0.5 + 0.5 * jitter))


def missed(state: CacheState[S], kid: str, *, now: float, policy: CachePolicy) -> CacheState[S]:
    """A fetch was made and ``kid`` is not in its set: remember that, within bounds."""
    unknown = {known: until for known, until in state.unknown.items() if until > now}
    if len(unknown) >= policy.unknown_size:
        return state
    unknown[kid] = now + policy.unknown_ttl
    return replace(state, unknown=MappingProxyType(unknown))


def retry_after(state: CacheState[S], now: float) -> float:
    """Return in how many seconds a caller who was turned away may ask again; at least one."""
    return max(1.0, state.retry_at - now)


_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})\"?\s*(?=,|$)", re.IGNORECASE)
_NO_CACHE = re.compile(r"(?:^|,)\s*(?:no-cache|no-store)\b", re.IGNORECASE)


def lifetime(headers: Mapping[str, str], policy: CachePolicy) -> float:
    """Read how long an answer may be cached, in seconds (RFC 9111 4.2.1, 5.1, 5.2.2)."""
    control = headers.get("cache-control", "")
    if _NO_CACHE.search(control):
        return policy.min_ttl
    stated = _MAX_AGE.search(control)
    if stated is None:
        return policy.default_ttl
    age = headers.get("age", "").strip()
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return float(max(0, int(stated[1]) - spent))
