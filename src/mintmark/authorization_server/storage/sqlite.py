"""SQLite: one file, one writer thread that commits in groups, a few readers (see :mod:`.writer`)."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool, StaticPool

from mintmark.authorization_server.storage.backend import in_thread
from mintmark.authorization_server.storage.failures import unavailable
from mintmark.authorization_server.storage.migrate import bring_up_to_date
from mintmark.authorization_server.storage.writer import GroupWriter
from mintmark.errors import ConfigurationError
from mintmark.net.shared_file import make_private, set_pragmas

__all__ = ["BUSY_TIMEOUT", "DURABLE", "WRITER_PRAGMAS", "SQLite"]

T = TypeVar("T")

BUSY_TIMEOUT = 5.0  # seconds that a transaction waits for another process's write


DURABLE = "synchronous=FULL"  # acknowledged means on disk
_UNSYNCED = "synchronous=NORMAL"  # survives the end of the process, and may be lost with the power
WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "secure_delete=ON",  # destroyed means overwritten
)
_NO_TEMPORARY_FILES = "temp_store=MEMORY"  # through which savepoints would write their pages once more
_READ_CONNECTIONS = 4


class SQLite:
    """An open SQLite database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        engine = _writer_engine(path, _NO_TEMPORARY_FILES)
        self._writer = GroupWriter(engine, durable=DURABLE, unsynced=_UNSYNCED)
        self._readers = _reader_engine(path)
        self._threads = ThreadPoolExecutor(_READ_CONNECTIONS, thread_name_prefix="mintmark-reader")
        self.here = AtHand(path)

    @classmethod
    def open(cls, url: URL, *, create: bool) -> Self:
        """See :meth:`.database.Database.open`."""
        path = _path_of(url)
        _prepare_file(path, create=create)
        try:
            bring_up_to_date(_migration_engine(path), name=str(path))
            return cls(path)
        except DatabaseError as error:
            raise ConfigurationError(f"The database {path} cannot be used: {error.orig}.") from error

    async def write(
        self, work: Callable[[sa.Connection], T], *, locking: bool = False, durable: bool = True
    ) -> T:
        """See :class:`.backend.Backend`. One writer: everything is locked anyway."""
        return await self._writer.write(work, durable=durable)

    def write_now(self, work: Callable[[sa.Connection], T]) -> T:
        """See :class:`.backend.Backend`."""
        return self._writer.write_now(work)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """See :class:`.backend.Backend`."""
        return await in_thread(self._threads, self.read_now, work)

    def read_now(self, work: Callable[[sa.Connection], T]) -> T:
        """See :class:`.backend.Backend`."""
        try:
            with self._readers.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            raise unavailable(error) from error

    def changes(self) -> int:
        """Moves when another connection, of this or any process, has committed anything."""
        return self.here.data_version()

    def close(self) -> None:
        """See :class:`.backend.Backend`."""
        self._threads.shutdown(wait=True)
        self._writer.close()
        self._readers.dispose()
        self.here.close()


class AtHand:
    """A connection for the thread that asks: a row by its key is here in microseconds.

    The way into another thread and back takes ten times as long. Readers wait for nobody (WAL), but for a
    process that recovers the file after a crash: who meets that is sent away at once, to wait elsewhere.
    """

    def __init__(self, path: Path) -> None:
        self._engine = _reading(path, StaticPool, patience=0.0)
        self._connection = self._engine.connect()
        self._driver: Any = self._connection.connection.driver_connection
        self._lock = threading.Lock()  # held for microseconds, by whichever event loop asks

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run the work, which is one statement and so sees one snapshot.

        :raises StorageUnavailable: not at once, or not any more.
        """
        try:
            with self._lock:
                return work(self._connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise unavailable(error) from error

    def data_version(self) -> int:
        """See :meth:`SQLite.changes`."""
        try:
            return int(self._driver.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()
            self._engine.dispose()


def _path_of(url: URL) -> Path:
    """Return the file that the URL names; in-memory databases cannot keep a promise and are refused."""
    if not url.database or url.database == ":memory:" or url.query:
        raise ConfigurationError(
            "The database must be a file: sqlite:///relative/path.db or sqlite:////absolute/path.db."
        )
    return Path(url.database)


def _prepare_file(path: Path, *, create: bool) -> None:
    """Make sure that the file can be ours: new ones are 0600 from the first moment.

    :raises ConfigurationError: missing (``create=False``), or not a file that we may read and write.
    """
    if create:
        try:
            make_private(path)
        except OSError as error:
            raise ConfigurationError(f"The database {path} cannot be made: {error.strerror}.") from error
    if not path.exists():
        raise ConfigurationError(
            f"There is no database {path}.",
            hint="mintmark serve makes it at its first start; --settings or --database name another.",
        )
    if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
        raise ConfigurationError(f"The database {path} is not a file that can be read and written.")


def _writer_engine(path: Path, *further: str) -> sa.Engine:
    """One connection that can write, and begins nothing by itself."""
    engine = sa.create_engine(_url(path), poolclass=StaticPool, connect_args=_CONNECT)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        set_pragmas(connection, *WRITER_PRAGMAS, DURABLE, *further, patience=BUSY_TIMEOUT)

    return engine


def _migration_engine(path: Path) -> sa.Engine:
    """The same, for whoever lets SQLAlchemy begin."""
    engine = _writer_engine(path)

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _reader_engine(path: Path) -> sa.Engine:
    """A small pool of connections that cannot write; each transaction sees one snapshot (WAL)."""
    engine = _reading(path, QueuePool, patience=BUSY_TIMEOUT, pool_size=_READ_CONNECTIONS, max_overflow=0)

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _reading(path: Path, pool: type[Pool], *, patience: float, **options: int) -> sa.Engine:
    """Make an engine whose connections cannot write, and begin nothing by themselves."""
    connect = {**_CONNECT, "timeout": patience}
    engine = sa.create_engine(_url(path), poolclass=pool, connect_args=connect, **options)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        set_pragmas(connection, "query_only=ON", patience=BUSY_TIMEOUT)

    return engine


_CONNECT = {"check_same_thread": False, "timeout": BUSY_TIMEOUT}


def _url(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))
