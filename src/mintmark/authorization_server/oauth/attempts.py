"""Slowing down whoever guesses client secrets (OAuth 2.1 "Client Secret"; RFC 6749 2.3.1).

The decision is pure. A delay belongs to one client *and* one network, so that a stranger cannot lock a
client out.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

__all__ = ["Attempts", "Record", "after_failure", "seconds_to_wait"]

_FREE = 5  # wrong secrets before the first delay
_LONGEST = 60.0
_FORGET_AFTER = 900.0
_MOST_RECORDS = 10_000


class Record(Struct, frozen=True):
    """Wrong secrets of one client from one network."""

    failures: int
    last: float


def seconds_to_wait(record: Record | None, now: float) -> float:
    """Return how long the next attempt has to wait; 0 when it may come."""
    if record is None or record.failures < _FREE:
        return 0.0
    delay = min(_LONGEST, 2.0 ** (record.failures - _FREE))
    return max(0.0, record.last + delay - now)


def after_failure(record: Record | None, now: float) -> Record:
    """Count one more wrong secret; an old record starts anew."""
    if record is None or now - record.last > _FORGET_AFTER:
        return Record(1, now)
    return Record(record.failures + 1, now)


class Attempts:
    """A bounded memory of wrong secrets; the oldest is forgotten first. For one event loop, not for
    threads.
    """

    def __init__(self, most: int = _MOST_RECORDS) -> None:
        self._records: OrderedDict[tuple[str, str], Record] = OrderedDict()
        self._most = most

    def seconds_to_wait(self, client_id: str, network: str, now: float) -> float:
        """Return how long this client has to wait on this network."""
        return seconds_to_wait(self._records.get((client_id, network)), now)

    def failed(self, client_id: str, network: str, now: float) -> None:
        """Remember a wrong secret."""
        key = (client_id, network)
        self._records[key] = after_failure(self._records.pop(key, None), now)
        if len(self._records) > self._most:
            self._records.popitem(last=False)

    def succeeded(self, client_id: str, network: str) -> None:
        """Forget: the secret was right."""
        self._records.pop((client_id, network), None)
