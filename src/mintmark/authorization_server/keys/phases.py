"""A key's whole life as dates, the part to come included: what is known, and what the schedule intends."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from mintmark.authorization_server.keys.timeline import KeyPolicy, gone_at
from mintmark.authorization_server.storage.records import KeyRecord, KeyState

__all__ = ["KeyLife", "key_lives"]


class KeyLife(Struct, frozen=True):
    """When a key is published, signs and goes, in seconds since the epoch.

    :param signs_from: None for a key that was revoked before it signed anything.
    :param signs_until: when it stops, or stopped, signing; None as :attr:`signs_from`.
    :param gone_at: when its public half leaves the key set; for a revoked key, when it need no longer be
        denied.
    """

    record: KeyRecord
    published_since: float
    signs_from: float | None
    signs_until: float | None
    gone_at: float


def key_lives(records: Iterable[KeyRecord], now: float, policy: KeyPolicy) -> tuple[KeyLife, ...]:
    """Return the lives of keys: for each algorithm the next key, the one that signs, then those that did."""
    records = tuple(records)
    follows = {r.alg: r.activates_at for r in records if r.state is KeyState.NEXT}
    order = list(KeyState)
    ordered = sorted(records, key=lambda r: (r.alg, order.index(r.state), -r.created_at))
    return tuple(_life(record, follows.get(record.alg), now, policy) for record in ordered)


def _life(record: KeyRecord, successor_signs: float | None, now: float, policy: KeyPolicy) -> KeyLife:
    begin = record.signing_since
    if record.state in (KeyState.PREVIOUS, KeyState.REVOKED):
        end = record.retired_at if record.retired_at is not None else now
        gone = record.gone_at if record.gone_at is not None else end
        return KeyLife(record, record.created_at, begin, None if begin is None else end, gone)
    if record.state is KeyState.NEXT:
        begin = record.activates_at
        end = begin + policy.rotate_every
    else:
        begin = begin if begin is not None else record.created_at
        end = successor_signs if successor_signs is not None else _intended_end(begin, now, policy)
    return KeyLife(record, record.created_at, begin, end, gone_at(record, end, policy))


def _intended_end(begin: float, now: float, policy: KeyPolicy) -> float:
    """No successor is staged yet: a late one, too, is published ahead before it signs."""
    return max(begin + policy.rotate_every, now + policy.publish_ahead)
