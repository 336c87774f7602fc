"""The deny log in memory and on disk: appended to durably, then told to every subscriber at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from mintmark.authorization_server.revocation.deny_set import ClaimsLike, DenySet
from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.records import DenyEntry
from mintmark.authorization_server.storage.repositories import deny_entries

__all__ = ["DenyLog", "Subscription"]


class _Token(ClaimsLike, Protocol):
    """What :meth:`DenyLog.reason` looks at: verified claims with their header."""

    @property
    def header(self) -> Mapping[str, Any]: ...


class DenyLog:
    """All live entries in memory, every entry on disk. One asyncio loop; any number of processes.

    There is one way into memory: reading what has been committed, in the order of the numbers. So no
    follower can miss an entry of another process that was committed just before one of ours.
    """

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._entries = DenySet()
        self._seen = -1
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()

    @property
    def last_seq(self) -> int:
        """The newest entry's number; 0 before the first."""
        return self._entries.last_seq

    async def start(self, now: float) -> None:
        """Load the live entries."""
        await self.tick(now)

    async def tick(self, now: float) -> int:
        """Take in what has been committed, by whomever, and let go of the dead; return how many were new.

        Everything in this process that writes an entry calls it afterwards. For what other processes write,
        call it at least every half second: that bounds how long their entries take to be heard.
        """
        async with self._reading:  # many that write at once share one look
            seen = self._db.changes()
            new = 0
            if seen != self._seen:
                last = self._entries.last_seq
                found = await self._db.read(lambda connection: deny_entries.after(connection, last, now))
                new = self._entries.add(found)
                self._seen = seen
        self._entries.forget_dead(now)
        if new:
            self._wake.set()
            self._wake = asyncio.Event()
        return new

    async def add(
        self,
        entries: Iterable[DenyEntry],
        now: float,
        *,
        also: Callable[[Connection], None] | None = None,
    ) -> tuple[DenyEntry, ...]:
        """Append entries; return them numbered, durable and told to every follower of this process.

        :param also: a unit of work that belongs to the same transaction.
        """
        wanted = [entry for entry in entries if entry.dies_at > now]

        def work(connection: Connection) -> tuple[DenyEntry, ...]:
            if also is not None:
                also(connection)
            return deny_entries.append(connection, wanted)

        written = await self._db.write(work)
        await self.tick(now)
        return written

    def entries_after(self, seq: int, now: float) -> tuple[DenyEntry, ...]:
        """Live entries with a greater number, oldest first."""
        return self._entries.after(seq, now)

    def snapshot(self, now: float) -> tuple[int, tuple[DenyEntry, ...]]:
        """The newest number and all live entries: what a verifier needs to start from."""
        return self._entries.last_seq, self._entries.after(0, now)

    def subscribe(self, after: int | None = None) -> Subscription:
        """Follow the log from entry ``after`` on; from all live entries if that is None or unknown."""
        known = after is not None and 0 <= after <= self._entries.last_seq
        return Subscription(self, after if known and after is not None else 0)

    def reason(self, claims: _Token) -> str | None:
        """Return what kind of entry denies this token (``sid``, ``grant_id``, …), or None. In memory."""
        return self._entries.reason(claims, claims.header.get("kid"), self._clock())

    async def _changed(self, timeout: float) -> None:  # noqa: ASYNC109 - no answer is an answer
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return


class Subscription:
    """One follower's place in the log. It holds a number, not a queue: slow followers cost nothing."""

    def __init__(self, log: DenyLog, after: int) -> None:
        self._log = log
        self._after = after
        self.closed = False

    async def next(self, now: float, *, timeout: float = 15.0) -> tuple[DenyEntry, ...]:  # noqa: ASYNC109
        """Return the entries that are new to this follower as soon as there are any; () after ``timeout``."""
        entries = self._log.entries_after(self._after, now)
        if not entries and not self.closed:
            await self._log._changed(timeout)
            entries = self._log.entries_after(self._after, now)
        if entries:
            self._after = entries[-1].seq
        return entries

    def close(self) -> None:
        """Stop following."""
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
