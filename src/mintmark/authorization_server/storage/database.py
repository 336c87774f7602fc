"""The one way to the database: units of work that read, and units that are on disk when they return."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mintmark.authorization_server.storage.backend import Backend
from mintmark.authorization_server.storage.cleanup import remove_expired
from mintmark.authorization_server.storage.failures import StorageUnavailable
from mintmark.authorization_server.storage.postgresql import PostgreSQL
from mintmark.authorization_server.storage.sqlite import SQLite
from mintmark.errors import ConfigurationError

__all__ = ["Database"]

T = TypeVar("T")


class Database:
    """A database of this version's schema. Safe to share among tasks and threads, and among processes.

    ``write`` runs its work in one transaction and returns when that is durable; ``read`` and ``look_up``
    see one snapshot. The work is a plain function over a connection (see :mod:`.repositories`). It runs in
    another thread, unless it is a ``look_up``, and may run again when transactions of several processes
    meet: all that it does to the world, it does to the connection.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    @property
    def name(self) -> str:
        """How messages call this database: never with a password."""
        return self._backend.name

    @property
    def path(self) -> Path | None:
        """The file that the database is, if it is one."""
        return self._backend.path

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Self:
        """Open the database, make it if it does not exist, and bring its schema up to date.

        :param url: ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or ``postgresql://user@host/name``.
        :param create: False refuses a missing file instead of making one. (A PostgreSQL database must exist.)
        :raises ConfigurationError: in one line: bad URL, unreadable, not a database, or of a newer version.
        """
        parsed = _parse(url)
        if parsed.get_backend_name() == "postgresql":
            return cls(PostgreSQL.open(parsed))
        return cls(SQLite.open(parsed, create=create))

    async def write(
        self, work: Callable[[sa.Connection], T], *, locking: bool = False, durable: bool = True
    ) -> T:
        """Run ``work`` in one transaction; return its value when that is on disk.

        An exception that the work raises undoes this work alone and is raised here.

        :param locking: the work begins by locking the one row that it decides on. Where transactions run
            side by side, it then waits for others on that row only, and is not undone for meeting those on
            rows beside it.
        :param durable: False is for what nobody is told of: it returns when the transaction is committed,
            which survives the end of this process, and may be lost when the machine loses its power.
        :raises StorageUnavailable: the disk, a lock or the network stood in the way.
        """
        return await self._backend.write(work, locking=locking, durable=durable)

    def write_now(self, work: Callable[[sa.Connection], T]) -> T:
        """As :meth:`write`, for start-up and the command line: blocks."""
        return self._backend.write_now(work)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` on one snapshot of the database.

        :raises StorageUnavailable: the database cannot be read.
        """
        return await self._backend.read(work)

    async def look_up(self, work: Callable[[sa.Connection], T]) -> T:
        """As :meth:`read`, for one :class:`.statements.Statement` that finds a few rows by their keys.

        No thread is asked where none is needed.
        """
        if self._backend.here is not None:
            with contextlib.suppress(StorageUnavailable):
                return self._backend.here.read(work)
        return await self.read(work)

    def read_now(self, work: Callable[[sa.Connection], T]) -> T:
        """As :meth:`read`: blocks."""
        return self._backend.read_now(work)

    def changes(self) -> int:
        """A number that moves when keys, deny log, status lists or registrations may have changed.

        Costs microseconds.
        """
        return self._backend.changes()

    async def clean_up(self, now: float) -> int:
        """Remove rows whose time has come, in batches that leave room for others; return how many."""
        total = 0
        while removed := await self.write(lambda connection: remove_expired(connection, now)):
            total += removed
        return total

    async def close(self) -> None:
        """Finish what was accepted, then let go of the database."""
        await asyncio.get_running_loop().run_in_executor(None, self.close_now)

    def close_now(self) -> None:
        """As :meth:`close`: blocks. Closing twice is fine."""
        self._backend.close()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            "The database must be named by a URL such as sqlite:///mintmark.db or postgresql://user@host/name."
        )
    return parsed
