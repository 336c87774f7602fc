"""One writer, commits in groups: every unit of work is durable before anybody hears that it is done.

SQLite admits one writer at a time and pays one disk sync for each commit. So all writes of a process go
through one thread, which takes whatever is waiting, runs each unit inside a savepoint of one transaction (or
as the transaction, when there is only one), commits once, and only then answers. A unit that fails undoes
itself alone; a commit that fails is everybody's failure. A group in which nobody asks for the disk does not
wait for it; the next sync takes it along.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import OperationalError

from mintmark.authorization_server.storage.failures import StorageUnavailable, unavailable

__all__ = ["GroupWriter"]

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

_LARGEST_GROUP = 512  # bounds how long the first of a group waits for the last


class _Unit(Struct):
    """A piece of work and whoever waits for it: an asyncio loop, or a thread (``loop`` is None)."""

    work: Work
    loop: asyncio.AbstractEventLoop | None
    future: asyncio.Future[Any] | Future[Any]
    durable: bool
    value: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():  # the caller has gone; what was committed stays committed
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class GroupWriter:
    """The thread that owns the only writing connection of this process."""

    def __init__(self, engine: sa.Engine, *, durable: str, unsynced: str) -> None:
        """Connect, and begin to write.

        :param durable: the pragma under which commits wait for the disk; connections begin with it.
        :param unsynced: the one under which they do not, for groups in which nobody asks for it.
        :raises DBAPIError: the database cannot be opened.
        """
        self._engine = engine
        self._durable = f"PRAGMA {durable}"
        self._unsynced = f"PRAGMA {unsynced}"
        self._connection = engine.connect()
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._gate = threading.Lock()  # nothing is queued behind the end
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="mintmark-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """Run the work in a transaction of its own and return its value once it is on disk, or committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Unit(work, loop, future, durable))
        return await future

    def write_now(self, work: Callable[[sa.Connection], T]) -> T:
        """The form for threads: blocks until the work is on disk."""
        future: Future[T] = Future()
        self._put(_Unit(work, None, future, durable=True))
        return future.result()

    def close(self) -> None:
        """Commit what was accepted, then stop. Blocks."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _put(self, unit: _Unit) -> None:
        with self._gate:
            if self._closed:
                raise StorageUnavailable("The database has been closed.")
            self._queue.put(unit)

    def _run(self) -> None:
        with self._connection as connection:
            while (group := self._next_group()) is not None:
                self._commit(connection, group)
                _answer(group)
        self._engine.dispose()

    def _next_group(self) -> list[_Unit] | None:
        first = self._queue.get()
        if first is None:
            return None
        group = [first]
        while len(group) < _LARGEST_GROUP:
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                self._queue.put(None)  # the end is seen again after this group
                break
            group.append(unit)
        return group

    def _commit(self, connection: sa.Connection, group: list[_Unit]) -> None:
        # Straight to the driver, here and below: transactions and savepoints by SQLAlchemy cost as much as
        # the statements between them.
        durable = any(unit.durable for unit in group)
        try:
            driver: Any = connection.connection.driver_connection
            if not durable:
                driver.execute(self._unsynced)
            driver.execute("BEGIN IMMEDIATE")  # no transaction finds the lock taken half-way
            if len(group) == 1:
                _run_alone(connection, driver, group[0])
            else:
                for unit in group:
                    _run_unit(connection, driver, unit)
                driver.execute("COMMIT")
            if not durable:
                driver.execute(self._durable)
            connection.commit()  # what SQLAlchemy believes to have begun
        except BaseException as error:  # whatever it was, everybody who waits hears of it
            failure = unavailable(error)
            for unit in group:
                unit.error = failure
            with contextlib.suppress(Exception):  # the next group connects anew, or hears why it cannot
                connection.invalidate()
                connection.rollback()


def _run_alone(connection: sa.Connection, driver: Any, unit: _Unit) -> None:
    """Run a unit that has the transaction to itself: it needs no savepoint, before which SQLite would keep a
    copy of each page that it changes.
    """
    try:
        unit.value = unit.work(connection)
    except BaseException as error:
        try:
            driver.execute("ROLLBACK")
        except Exception:  # as below
            raise error from None
        unit.error = _said_of(error)
    else:
        driver.execute("COMMIT")


def _run_unit(connection: sa.Connection, driver: Any, unit: _Unit) -> None:
    driver.execute("SAVEPOINT unit")
    try:
        unit.value = unit.work(connection)
    except BaseException as error:
        try:
            driver.execute("ROLLBACK TO SAVEPOINT unit")
        except Exception:  # SQLite has undone the whole transaction (disk full, I/O error): all have failed
            raise error from None
        unit.error = _said_of(error)
    driver.execute("RELEASE SAVEPOINT unit")


def _said_of(error: BaseException) -> BaseException:
    return unavailable(error) if isinstance(error, OperationalError) else error


def _answer(group: list[_Unit]) -> None:
    """Wake each waiting loop once, not once for each unit."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Unit]] = {}
    for unit in group:
        if unit.loop is None:
            unit.answer()
        else:
            by_loop.setdefault(unit.loop, []).append(unit)
    for loop, units in by_loop.items():
        try:
            loop.call_soon_threadsafe(_answer_all, units)
        except RuntimeError:  # that loop has been closed: nobody is left to hear it
            continue


def _answer_all(units: list[_Unit]) -> None:
    for unit in units:
        unit.answer()
