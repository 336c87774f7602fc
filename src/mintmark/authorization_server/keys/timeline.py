"""The key timeline, as a decision: what is due, given what there is, the policy and the time.

A key is *next* (published, silent), then *current* (signs), then *previous* (verifies), then gone; or
*revoked* at once. Each step follows from states and from moments that were written down when the state was
entered, never from the mere age of a key. What holds:

- each algorithm has one current key, and at most one next key;
- a key signs only after it has been published for ``publish_ahead``, unless its algorithm had no key at
  all, or the current key was revoked;
- a public half stays until the last token that its key may have signed has expired, plus ``skew``;
- a private half is destroyed with retirement or revocation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from mintmark.authorization_server.storage.records import KeyRecord, KeyState
from mintmark.errors import ConfigurationError

__all__ = [
    "Action",
    "Create",
    "KeyPolicy",
    "Promote",
    "Remove",
    "Retire",
    "Stretch",
    "alarm",
    "cache_lifetime",
    "gone_at",
    "lateness",
    "next_change",
    "overtaken",
    "plan",
    "published",
]

SHORTEST_CACHE = 60  # seconds; below it caches would ask all the time, and publish_ahead covers it anyway


class KeyPolicy(Struct, frozen=True):
    """How keys live. Durations are seconds.

    :param algs: the algorithms that must have a current key.
    :param rotate_every: how long a key signs.
    :param publish_ahead: how long a key is published before it signs: at least ``jwks_max_age`` plus
        ``skew``.
    :param jwks_max_age: how long a verifier may keep the key set.
    :param token_lifetime: the longest life of any token that is signed.
    :param skew: by how much clocks may differ.
    :param late_after: how far the schedule may fall behind before it is an alarm.
    """

    algs: tuple[str, ...] = ("ES256", "RS256")
    rotate_every: float = 30 * 86400.0
    publish_ahead: float = 86400.0
    jwks_max_age: float = 3600.0
    token_lifetime: float = 600.0
    skew: float = 30.0
    late_after: float = 3600.0

    def __post_init__(self) -> None:
        if not self.algs or len(set(self.algs)) != len(self.algs):
            raise ConfigurationError("keys: name each signing algorithm once, and at least one.")
        if min(self.rotate_every, self.publish_ahead, self.jwks_max_age, self.token_lifetime) <= 0:
            raise ConfigurationError("keys: every duration must be greater than 0.")
        if self.publish_ahead < self.jwks_max_age + self.skew:
            raise ConfigurationError(
                f"keys: publish_ahead ({self.publish_ahead:g} s) must be at least jwks_max_age plus "
                f"{self.skew:g} s of skew, or verifiers would meet a key that they have not seen."
            )
        if self.rotate_every < self.publish_ahead:
            raise ConfigurationError("keys: rotate_every must not be shorter than publish_ahead.")


class Create(Struct, frozen=True):
    """Make a key: NEXT, to sign at ``activates_at``; or CURRENT, because the algorithm has none."""

    alg: str
    state: KeyState
    activates_at: float


class Promote(Struct, frozen=True):
    """The next key signs from now on."""

    kid: str
    alg: str


class Retire(Struct, frozen=True):
    """The current key signs no more."""

    kid: str


class Remove(Struct, frozen=True):
    """Nothing that the key signed can still be valid: forget it."""

    kid: str
    seen: KeyState


class Stretch(Struct, frozen=True):
    """Tokens have come to live longer than when the key began to sign: its public half must too."""

    kid: str
    token_lifetime: float


Action: TypeAlias = Create | Promote | Retire | Remove | Stretch


def plan(records: Sequence[KeyRecord], now: float, policy: KeyPolicy) -> tuple[Action, ...]:
    """Return what is due now, in the order in which it must be done."""
    actions: list[Action] = []
    for alg in policy.algs:
        actions.extend(_plan_alg(alg, records, now, policy))
    for record in records:
        if record.alg not in policy.algs:
            actions.extend(_wind_down(record))
        if record.gone_at is not None and record.gone_at <= now:
            actions.append(Remove(record.kid, record.state))
    return tuple(actions)


def _plan_alg(alg: str, records: Iterable[KeyRecord], now: float, policy: KeyPolicy) -> Iterator[Action]:
    mine = {record.state: record for record in records if record.alg == alg}
    current, following = mine.get(KeyState.CURRENT), mine.get(KeyState.NEXT)
    if current is None:
        yield Promote(following.kid, alg) if following else Create(alg, KeyState.CURRENT, now)
        return
    if policy.token_lifetime > current.token_lifetime:
        yield Stretch(current.kid, policy.token_lifetime)
    if following is not None:
        if following.activates_at <= now:
            yield Retire(current.kid)
            yield Promote(following.kid, alg)
    elif _staging_time(current, policy) <= now:
        yield Create(alg, KeyState.NEXT, now + policy.publish_ahead)


def _wind_down(record: KeyRecord) -> Iterator[Action]:
    """An algorithm that the policy no longer names."""
    if record.state is KeyState.CURRENT:
        yield Retire(record.kid)
    elif record.state is KeyState.NEXT:
        yield Remove(record.kid, KeyState.NEXT)


def _staging_time(current: KeyRecord, policy: KeyPolicy) -> float:
    since = current.signing_since if current.signing_since is not None else current.created_at
    return since + policy.rotate_every - policy.publish_ahead


def gone_at(record: KeyRecord, now: float, policy: KeyPolicy) -> float:
    """When a key that stops signing now can have no valid token left."""
    return now + max(record.token_lifetime, policy.token_lifetime) + policy.skew


def published(records: Iterable[KeyRecord]) -> tuple[KeyRecord, ...]:
    """What the key set shows: current first, so that clients that know one key pick the one that signs."""
    order = {KeyState.CURRENT: 0, KeyState.NEXT: 1, KeyState.PREVIOUS: 2}
    return tuple(sorted((r for r in records if r.state in order), key=lambda r: order[r.state]))


def _changes(records: Iterable[KeyRecord], policy: KeyPolicy) -> Iterator[float]:
    """The moments at which the published set is due to change."""
    staged = {record.alg for record in records if record.state is KeyState.NEXT}
    for record in records:
        if record.gone_at is not None and record.state is KeyState.PREVIOUS:
            yield record.gone_at
        if record.state is KeyState.CURRENT and record.alg not in staged:
            yield _staging_time(record, policy)


def next_change(records: Sequence[KeyRecord], policy: KeyPolicy) -> float:
    """When the published set is due to change."""
    return min(_changes(records, policy), default=math.inf)


def cache_lifetime(change: float, now: float, policy: KeyPolicy) -> int:
    """How long a verifier may keep the key set: until it is due to change, at most ``jwks_max_age``."""
    return int(min(max(change - now, SHORTEST_CACHE), policy.jwks_max_age))


def lateness(records: Sequence[KeyRecord], now: float, policy: KeyPolicy) -> float:
    """By how many seconds the schedule is behind; 0.0 when it is not."""
    due = [record.activates_at for record in records if record.state is KeyState.NEXT]
    due.extend(_changes(records, policy))
    return max(0.0, now - min(due)) if due else 0.0


def overtaken(records: Iterable[KeyRecord], now: float, policy: KeyPolicy) -> frozenset[str]:
    """The algorithms whose current key, as we know it, another process must have retired by now.

    Whoever cannot look must not go on signing with it: its public half stays for the tokens that were signed
    until ``skew`` after the change. Half of that, because we do not look all the time.
    """
    due = now - policy.skew / 2
    return frozenset(r.alg for r in records if r.state is KeyState.NEXT and r.activates_at <= due)


def alarm(records: Sequence[KeyRecord], now: float, policy: KeyPolicy) -> float:
    """The lateness that somebody must hear of; 0.0 while it is within ``late_after``."""
    behind = lateness(records, now, policy)
    return behind if behind > policy.late_after else 0.0
