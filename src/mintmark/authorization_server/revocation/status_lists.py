"""Token Status Lists (draft-ietf-oauth-status-list) as they stand: signed when asked for, kept while true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from mintmark.authorization_server.revocation.places import list_number
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.records import STATUS_LIST_SIZE
from mintmark.authorization_server.storage.repositories import status_lists
from mintmark.jwt import Status, StatusList, StatusReference

__all__ = ["STATUS_LIST_LIFETIME", "STATUS_LIST_TTL", "StatusLists"]

STATUS_LIST_TTL = 60
"""Seconds that a reader may go on with a list. So old a revocation can be that a reader has not heard of: as
short as can be asked of somebody who polls. Who needs seconds follows the feed."""
STATUS_LIST_LIFETIME = 600.0
"""Seconds until a list expires: how long readers bear it that we are away. Then their tokens, which nobody
could renew meanwhile, have expired as well."""
_LOOK_EVERY = 1.0  # seconds: so that neither readers nor revocations in number make work without bounds
_HELD = 64  # lists in memory: the others are signed each time they are asked for


class _Signed(Struct, frozen=True):
    """A list as it was signed, what it was signed from, and when that was last compared."""

    text: str
    invalid: frozenset[int]
    timeline: object  # of the signing keys
    signed_at: float
    seen: int  # Database.changes() before the list was read
    looked_at: float

    def holds(self, now: float, timeline: object) -> bool:
        """Whether it may be given out while nothing else has become INVALID."""
        return self.timeline is timeline and 0 <= now - self.signed_at < STATUS_LIST_TTL

    def is_looked_after(self, now: float, timeline: object) -> bool:
        """Whether it may be given out as it is."""
        return self.holds(now, timeline) and 0 <= now - self.looked_at < _LOOK_EVERY


class StatusLists:
    """The published lists. Nothing runs while nobody asks.

    :param sign: makes a signed list of an address and further claims.
    :param timeline: returns another object when another key may sign.
    """

    def __init__(
        self,
        db: Database,
        issuer: str,
        *,
        sign: Callable[[str, dict[str, Any]], str],
        timeline: Callable[[], object],
    ) -> None:
        self._db = db
        self._root = f"{issuer}/status-lists/"
        self._sign = sign
        self._timeline = timeline
        self._signed: dict[int, _Signed] = {}
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def reference(self, index: int) -> StatusReference:
        """Return what a token says to point to its status."""
        number, place = divmod(index, STATUS_LIST_SIZE)
        return StatusReference(self._root + str(number), place)

    def index_of(self, reference: StatusReference) -> int | None:
        """Return the index that a reference of ours stands for; None for another's."""
        number = list_number(reference.uri.removeprefix(self._root))
        if number is None or not reference.uri.startswith(self._root):
            return None
        return number * STATUS_LIST_SIZE + reference.index

    async def in_use(self) -> tuple[str, ...]:
        """Return the addresses of all lists that a token may point to."""
        return tuple(self._root + str(number) for number in await self._db.read(_all_in_use))

    async def signed(self, number: int, now: float) -> str | None:
        """Return a list as a signed token; None where no token can point to it.

        What was committed a second ago is in it, by whichever process.
        """
        held = self._signed.get(number)
        if held is None or not held.is_looked_after(now, self._timeline()):
            async with self._turns.setdefault(number, asyncio.Lock()):  # many that ask at once share one look
                held = await self._look(number, now)
        return None if held is None else held.text

    async def _look(self, number: int, now: float) -> _Signed | None:
        held, seen, timeline = self._signed.get(number), self._db.changes(), self._timeline()
        if held is not None and held.is_looked_after(now, timeline):
            return held
        if held is None or held.seen != seen or not held.holds(now, timeline):
            invalid = await self._db.read(lambda connection: _invalid_in(connection, number, now))
            if invalid is None:
                self._signed.pop(number, None)
                return None
            if held is None or held.invalid != invalid or not held.holds(now, timeline):
                claims = await asyncio.to_thread(_claims, invalid)
                text = self._sign(self._root + str(number), claims)
                held = _Signed(text, invalid, timeline, signed_at=now, seen=seen, looked_at=now)
        self._hold(number, replace(held, seen=seen, looked_at=now))
        return held

    def _hold(self, number: int, signed: _Signed) -> None:
        self._signed.pop(number, None)
        self._signed[number] = signed  # the newest are last
        if len(self._signed) > _HELD:
            del self._signed[next(iter(self._signed))]


def _claims(invalid: frozenset[int]) -> dict[str, Any]:
    """The claims of a list: milliseconds for some thousand that are INVALID, so it runs in a thread."""
    statuses = StatusList.build(STATUS_LIST_SIZE, dict.fromkeys(invalid, Status.INVALID))
    return {"status_list": statuses.to_claim(), "ttl": STATUS_LIST_TTL}


def _invalid_in(connection: Connection, number: int, now: float) -> frozenset[int] | None:
    invalid = status_lists.invalid_in(connection, number, now)
    if invalid or status_lists.next_in_use(connection, number) == number:
        return invalid
    return None


def _all_in_use(connection: Connection) -> list[int]:
    found: list[int] = []
    number = status_lists.next_in_use(connection, 0)
    while number is not None:
        found.append(number)
        number = status_lists.next_in_use(connection, number + 1)
    return found
