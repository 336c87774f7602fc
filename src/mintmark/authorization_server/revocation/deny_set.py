"""The live entries of the deny log, indexed: constant work for each token, a look-up for each follower."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, Protocol

from mintmark.authorization_server.storage.records import DenyEntry, DenyKind

__all__ = ["ClaimsLike", "DenySet"]

_CLAIMS = (DenyKind.SID, DenyKind.GRANT_ID, DenyKind.JTI, DenyKind.SUB, DenyKind.CLIENT_ID)


class ClaimsLike(Protocol):
    """What is asked of a token's claims."""

    def get(self, name: str, /) -> Any: ...


class DenySet:
    """Entries by number and by what they match. Entries come in the order of their numbers."""

    def __init__(self) -> None:
        self._order: list[int] = []  # ascending; the dead are dropped when they outnumber the living
        self._by_seq: dict[int, DenyEntry] = {}
        self._by_target: dict[tuple[DenyKind, str], tuple[DenyEntry, ...]] = {}
        self._ends: list[tuple[float, int]] = []  # a heap

    def __len__(self) -> int:
        return len(self._by_seq)

    @property
    def last_seq(self) -> int:
        """The greatest number that was ever added."""
        return self._order[-1] if self._order else 0

    def add(self, entries: Iterable[DenyEntry]) -> int:
        """Take in what is newer than all that was added before; return how many were."""
        added = 0
        for entry in entries:
            if entry.seq <= self.last_seq:
                continue
            self._order.append(entry.seq)
            self._by_seq[entry.seq] = entry
            target = (entry.kind, entry.value)
            self._by_target[target] = (*self._by_target.get(target, ()), entry)
            heapq.heappush(self._ends, (entry.dies_at, entry.seq))
            added += 1
        return added

    def forget_dead(self, now: float) -> None:
        """Let go of entries whose last token has expired."""
        while self._ends and self._ends[0][0] <= now:
            _, seq = heapq.heappop(self._ends)
            entry = self._by_seq.pop(seq)
            target = (entry.kind, entry.value)
            rest = tuple(other for other in self._by_target[target] if other.seq != seq)
            if rest:
                self._by_target[target] = rest
            else:
                del self._by_target[target]
        if len(self._order) > 2 * len(self._by_seq) + 64:
            self._order = [seq for seq in self._order[:-1] if seq in self._by_seq] + self._order[-1:]

    def after(self, seq: int, now: float) -> tuple[DenyEntry, ...]:
        """Live entries with a greater number, oldest first."""
        numbers = self._order[bisect_right(self._order, seq) :]
        found = (self._by_seq.get(number) for number in numbers)
        return tuple(entry for entry in found if entry is not None and entry.dies_at > now)

    def reason(self, claims: ClaimsLike, kid: object, now: float) -> str | None:
        """Return the kind of entry that denies a token with these claims and this header ``kid``, or None."""
        for kind in _CLAIMS:
            if self._denies(kind, claims.get(str(kind)), claims, now):
                return str(kind)
        return str(DenyKind.KID) if self._denies(DenyKind.KID, kid, claims, now) else None

    def _denies(self, kind: DenyKind, value: object, claims: ClaimsLike, now: float) -> bool:
        if not isinstance(value, str):
            return False
        held = self._by_target.get((kind, value), ())
        return any(entry.dies_at > now and _covers(entry, claims.get("iat")) for entry in held)


def _covers(entry: DenyEntry, issued: object) -> bool:
    """A token that does not say when it was issued is taken to be old."""
    return entry.before is None or not isinstance(issued, int | float) or issued < entry.before
