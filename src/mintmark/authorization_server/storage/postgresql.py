"""PostgreSQL: any number of replicas on one database, and nothing else beside it.

A unit of work is a serializable transaction that is run again when it met another: so what is right on
SQLite, where units come one after the other, is right here. PostgreSQL finds meetings by pages and not by
rows, so units that come often and concern one row each lock that row instead (``locking``). What other
replicas write to deny log, keys, status lists or registrations is heard by ``LISTEN`` (see the triggers in
the migrations).
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from mintmark.authorization_server.storage.backend import in_thread
from mintmark.authorization_server.storage.failures import StorageUnavailable, unavailable
from mintmark.authorization_server.storage.migrate import bring_up_to_date
from mintmark.errors import ConfigurationError

__all__ = ["CHANNEL", "PostgreSQL"]

T = TypeVar("T")

CHANNEL = "mintmark_changes"  # named in the migrations, too

_THREADS = 8  # units of work at once in this process
_READ_CONNECTIONS = 4
_TRIES = 20
_LONGEST_PAUSE = 0.05  # seconds between two tries
_MET_ANOTHER = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_IDLE_TOO_LONG = "25P03"  # idle_in_transaction_session_timeout: an outage, though its class says otherwise
_LONG = 1.0  # seconds; who could not connect within that has found a server that does not even refuse
_SPARED = 2.0  # seconds that the others are then spared the same; also after _PATIENCE
_RECONNECT_EVERY = 1.0  # seconds
_LOOK_EVERY = 2.0  # seconds until what nobody has announced is looked for
_CONNECT_TIMEOUT = 5  # seconds
_LOCK_TIMEOUT = 5.0  # seconds that a statement waits for another transaction
_PATIENCE = 15.0  # seconds; a server that has stopped without closing its connections keeps them for ever
_IDLE_TIMEOUT = 15.0  # seconds after which the server ends a transaction whose client has gone without a word
_KEPT_ALIVE = {  # a server that has vanished without a word is noticed within 15 seconds
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}
_MIGRATION_LOCK = 0x6D696E74  # "mint": replicas that start together migrate one after the other


class PostgreSQL:
    """An open PostgreSQL database."""

    path = None
    here = None

    def __init__(self, url: URL) -> None:
        self.name = url.render_as_string(hide_password=True)
        self._writes = _engine(url, "SERIALIZABLE", pool_size=_THREADS)
        self._locking_writes = self._writes.execution_options(isolation_level="READ COMMITTED")
        self._reads = _engine(url, "REPEATABLE READ", pool_size=_READ_CONNECTIONS).execution_options(
            postgresql_readonly=True
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="mintmark-writer")
        self._readers = ThreadPoolExecutor(_READ_CONNECTIONS, thread_name_prefix="mintmark-reader")
        self._ears = _Ears(url)
        self._away_until = 0.0
        self._closed = False

    @classmethod
    def open(cls, url: URL) -> Self:
        """See :meth:`.database.Database.open`."""
        url = url.set(drivername="postgresql+psycopg")
        name = url.render_as_string(hide_password=True)
        try:
            bring_up_to_date(_migration_engine(url), name=name)
        except ImportError as error:  # no driver, or a driver without its library
            raise ConfigurationError("PostgreSQL needs psycopg: pip install 'mintmark[postgres]'.") from error
        except DBAPIError as error:
            raise ConfigurationError(f"The database {name} cannot be used: {_first_line(error)}.") from error
        return cls(url)

    async def write(
        self, work: Callable[[sa.Connection], T], *, locking: bool = False, durable: bool = True
    ) -> T:
        """See :class:`.backend.Backend`."""
        self._refuse_at_once()
        engine = self._locking_writes if locking else self._writes
        asking = _Asking()
        unit = work if durable else _unsynced(work)
        future = in_thread(self._threads, self._write, unit, engine, asking)
        try:
            async with asyncio.timeout(_PATIENCE):
                # A caller that goes away takes nothing back: the thread finishes what it began.
                return await asyncio.shield(future)
        except TimeoutError as error:
            asking.given_up = True
            raise self._silence() from error

    def write_now(self, work: Callable[[sa.Connection], T]) -> T:
        """See :class:`.backend.Backend`."""
        return self._write(work, self._writes, _Asking())

    def _refuse_at_once(self) -> None:
        """:raises StorageUnavailable: somebody has just waited in vain."""
        if time.monotonic() < self._away_until:
            raise StorageUnavailable("The database did not answer a moment ago.")

    def _silence(self) -> StorageUnavailable:
        self._away_until = time.monotonic() + _SPARED
        return StorageUnavailable("The database does not answer.")

    def _write(self, work: Callable[[sa.Connection], T], engine: sa.Engine, asking: _Asking) -> T:
        """Run the work, and again when its transaction met another."""
        duplicates = 0
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.001 * 2**attempt)))  # noqa: S311
            try:
                return self._attempt(work, engine, asking)
            except IntegrityError:
                # The duplicate may be a row that this transaction could not see yet: the second look knows
                # (PostgreSQL manual, 13.2.3).
                duplicates += 1
                if duplicates == 2:
                    raise
            except _MetAnotherError as error:
                last = error.cause
        raise unavailable(last)

    def _attempt(self, work: Callable[[sa.Connection], T], engine: sa.Engine, asking: _Asking) -> T:
        committing = False
        try:
            asking.refuse_if_given_up()
            with self._connect(engine) as connection, connection.begin():
                value = work(connection)
                asking.refuse_if_given_up()
                committing = True
        except IntegrityError:
            raise
        except DBAPIError as error:
            # After a commit whose answer was lost nobody knows: the caller must ask, not we do it twice.
            lost_before = error.connection_invalidated and not committing
            if _code(error) in _MET_ANOTHER or lost_before:
                raise _MetAnotherError(error) from error
            raise (unavailable(error) if _is_outage(error) else error) from error
        self._ears.wake()
        return value

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """See :class:`.backend.Backend`."""
        self._refuse_at_once()
        future: asyncio.Future[T] = in_thread(self._readers, self.read_now, work)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await future
        except TimeoutError as error:
            raise self._silence() from error

    def read_now(self, work: Callable[[sa.Connection], T]) -> T:
        """See :class:`.backend.Backend`."""
        try:
            return self._read(work)
        except OperationalError as error:
            if not error.connection_invalidated:
                raise unavailable(error) from error
        try:  # the server was restarted since: the pool has been emptied
            return self._read(work)
        except OperationalError as error:
            raise unavailable(error) from error

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        with self._connect(self._reads) as connection, connection.begin():
            return work(connection)

    def _connect(self, engine: sa.Engine) -> sa.Connection:
        """Connect; but who is let wait in vain once does not let everybody wait, one after the other."""
        self._refuse_at_once()
        begun = time.monotonic()
        try:
            return engine.connect()
        except OperationalError:
            now = time.monotonic()
            if now - begun > _LONG:
                self._away_until = now + _SPARED
            raise

    def changes(self) -> int:
        """Moves when this process has written anything, or another one what replicas share."""
        if self._closed:
            raise StorageUnavailable("The database has been closed.")
        return self._ears.count

    def close(self) -> None:
        """See :class:`.backend.Backend`."""
        self._closed = True
        self._readers.shutdown(wait=True)
        self._threads.shutdown(wait=True)
        self._ears.close()
        self._writes.dispose()
        self._reads.dispose()


def _unsynced(work: Callable[[sa.Connection], T]) -> Callable[[sa.Connection], T]:
    """Make work whose transaction is committed without waiting for the disk."""

    def unit(connection: sa.Connection) -> T:
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
        return work(connection)

    return unit


class _Asking:
    """Whether somebody still waits. What was answered 503 must not happen when the server wakes up: its
    client has asked again, and would meet what it was told had not been done.
    """

    given_up = False

    def refuse_if_given_up(self) -> None:
        if self.given_up:
            raise StorageUnavailable("Nobody waits for this any more.")


class _MetAnotherError(Exception):
    """The transaction was undone because of another, or of a lost connection: it can run again."""

    def __init__(self, cause: DBAPIError) -> None:
        super().__init__()
        self.cause = cause


class _Ears:
    """A thread that listens to what other replicas announce. While it is deaf, every attempt counts.

    A connection can be dead, or a pooler stand in between, without our hearing of it. So it counts now and
    then in any case: that bounds how late another replica's word comes.
    """

    def __init__(self, url: URL) -> None:
        self.count = 0
        self._engine = sa.create_engine(
            url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args=_connecting(url)
        )
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mintmark-listener", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something has changed."""
        with self._lock:
            self.count += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        driver = self._engine.dialect.loaded_dbapi
        while not self._stop.is_set():
            try:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql(f"LISTEN {CHANNEL}")
                    self.wake()  # something may have been said before we listened
                    self._listen(connection.connection.driver_connection)
            except (DBAPIError, driver.Error):
                self.wake()
                self._stop.wait(_RECONNECT_EVERY)

    def _listen(self, connection: Any) -> None:
        looked = time.monotonic()
        while not self._stop.is_set():
            for _ in connection.notifies(timeout=0.1, stop_after=1):
                self.wake()
            if time.monotonic() - looked >= _LOOK_EVERY:
                self.wake()
                looked = time.monotonic()


def _engine(url: URL, isolation: str, *, pool_size: int) -> sa.Engine:
    return sa.create_engine(
        url,
        isolation_level=isolation,
        pool_size=pool_size,
        max_overflow=0,
        connect_args=_connecting(url, _options()),
    )


def _connecting(url: URL, options: str = "") -> dict[str, Any]:
    """Return how to connect, as far as the URL does not say it; options of both count.

    A machine that is cut off says no word. Without these, whoever waits for it waits as long as the system
    lets TCP wait, which is hours for a connection that listens.
    """
    ours = {"connect_timeout": _CONNECT_TIMEOUT, **_KEPT_ALIVE}
    said = {name: value for name, value in ours.items() if name not in url.query}
    return {**said, "options": f"{url.query.get('options', '')} {options}".strip()}


def _options() -> str:
    """What the server is told for each session, whatever its defaults are."""
    told = {
        "synchronous_commit": "on",  # acknowledged means on disk
        # A replica that is cut off within a transaction must not keep the others from its rows, nor from the
        # deny log, for as long as the server believes in it.
        "idle_in_transaction_session_timeout": f"{_IDLE_TIMEOUT * 1000:.0f}",
        "lock_timeout": f"{_LOCK_TIMEOUT * 1000:.0f}",
    }
    return " ".join(f"-c {name}={value}" for name, value in told.items())


def _migration_engine(url: URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args=_connecting(url))

    @event.listens_for(engine, "begin")
    def _one_after_the_other(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")

    return engine


def _is_outage(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) or _code(error) == _IDLE_TOO_LONG


def _code(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _first_line(error: DBAPIError) -> str:
    """The driver's words, in one line."""
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
