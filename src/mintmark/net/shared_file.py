"""An SQLite file that the processes of one machine share: private at once, opened with patience."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mintmark.net.flight import PerProcess

__all__ = ["SharedFile", "make_private", "set_pragmas"]

_PATIENCE = 5.0  # seconds that one process waits for another
_sleep = time.sleep


class SharedFile:
    """The file, for one thread at a time in each process.

    :param schema: statements that may run again on a file that has them already.
    :raises OSError, sqlite3.Error: the file cannot be opened as a database.
    """

    def __init__(self, path: str | os.PathLike[str], schema: str) -> None:
        # SQLite must not be carried over a fork: each process opens the file for itself.
        self._open = PerProcess(lambda: _Connection(Path(path), schema))
        self._open.here()

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """Lend this process's connection; every statement is a transaction of its own.

        :raises OSError, sqlite3.Error: it cannot be used now.
        """
        own = self._open.here()
        with own.lock:
            yield own.connection

    def close(self) -> None:
        """Close this process's connection; the file cannot be used any more."""
        with self.lent() as connection:
            connection.close()


class _Connection:
    def __init__(self, path: Path, schema: str) -> None:
        make_private(path)
        self.lock = threading.Lock()
        self.connection = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            set_pragmas(self.connection, "journal_mode=WAL", "synchronous=NORMAL", patience=_PATIENCE)
            self.connection.executescript(schema)
        except sqlite3.Error:
            self.connection.close()
            raise


def make_private(path: Path) -> None:
    """Make the file with mode 0600 if it is not there.

    A file that exists is not opened here: closing it again would drop the locks of other connections of this
    process (https://sqlite.org/howtocorrupt.html, 2.2).

    :raises OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def set_pragmas(connection: sqlite3.Connection, *pragmas: str, patience: float) -> None:
    """Set pragmas. SQLite does not wait for who is in the way of a new journal mode, so we do.

    :param patience: seconds.
    :raises sqlite3.Error: somebody was in the way for longer, or this is no database.
    """
    deadline = time.monotonic() + patience
    for pragma in pragmas:
        while True:
            try:
                connection.execute(f"PRAGMA {pragma}").close()
                break
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # whatever its extended code
                if not busy or time.monotonic() >= deadline:
                    raise
                _sleep(0.01)
