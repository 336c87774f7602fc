"""The one way to the database: units of work that read, and units that are on disk when they return."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from mintmark.errors import ConfigurationError

from . import sqlite
from .cleanup import remove_expired
from .failures import StorageUnavailable, unavailable
from .migrate import bring_up_to_date
from .writer import GroupWriter

__all__ = ["Database"]

T = TypeVar("T")

_READERS = 4


class Database:
    """A database of this version's schema. Safe to share among tasks and threads, and among processes.

    ``write`` runs its work in one transaction and returns when that is durable; ``read`` sees one snapshot.
    The work is a plain function over a SQLAlchemy connection (see :mod:`.repositories`) in another thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = GroupWriter(sqlite.writer_engine(path))
        self._read_engine = sqlite.reader_engine(path, _READERS)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="mintmark-reader")
        self._watch = sqlite.watch_connection(path)

    def __repr__(self) -> str:
        return f"<Database {self.path}>"

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Self:
        """Open the database, make it if it does not exist, and bring its schema up to date.

        :param url: ``sqlite:///relative/path`` or ``sqlite:////absolute/path``.
        :param create: False refuses a missing file instead of making one.
        :raises ConfigurationError: in one line: bad URL, unreadable, not a database, or of a newer version.
        """
        path = sqlite.path_of(_parse(url))
        sqlite.prepare_file(path, create=create)
        try:
            bring_up_to_date(sqlite.writer_engine(path), name=str(path))
        except (OperationalError, sa.exc.DatabaseError) as error:
            raise ConfigurationError(f"The database {path} cannot be used: {error.orig}.") from error
        return cls(path)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` in one transaction; return its value when that is on disk.

        An exception that the work raises undoes this work alone and is raised here.

        :raises StorageUnavailable: the disk or a lock stood in the way; nothing was written.
        """
        return await self._writer.write(work)

    def write_now(self, work: Callable[[sa.Connection], T]) -> T:
        """As :meth:`write`, for start-up and the command line: blocks."""
        return self._writer.write_now(work)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` on one snapshot of the database.

        :raises StorageUnavailable: the database cannot be read.
        """
        try:
            future = asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)
        except RuntimeError as error:
            raise StorageUnavailable("The database has been closed.") from error
        return await future

    def read_now(self, work: Callable[[sa.Connection], T]) -> T:
        """As :meth:`read`: blocks."""
        try:
            with self._read_engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            raise unavailable(error) from error

    def changes(self) -> int:
        """A number that moves when anybody, this process or another, has written. Costs microseconds."""
        try:
            return sqlite.data_version(self._watch)
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def clean_up(self, now: float) -> int:
        """Remove rows whose time has come, in batches that leave room for others; return how many."""
        total = 0
        while removed := await self.write(lambda connection: remove_expired(connection, now)):
            total += removed
        return total

    async def close(self) -> None:
        """Finish what was accepted, then let go of the file."""
        await asyncio.get_running_loop().run_in_executor(None, self.close_now)

    def close_now(self) -> None:
        """As :meth:`close`: blocks. Closing twice is fine."""
        self._writer.close()
        self._readers.shutdown(wait=True)
        self._read_engine.dispose()
        self._watch.close()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() != "sqlite":
        raise ConfigurationError("The database must be named by a URL such as sqlite:///mintmark.db.")
    return parsed
