"""Where sessions are kept on this side: a small protocol, and its forms in memory and in an SQLite file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from mintmark.client.sign_in.refusals import SignInUnavailable
from mintmark.errors import ConfigurationError, ErrorCode
from mintmark.net.flight import PerProcess
from mintmark.net.shared_file import SharedFile

__all__ = ["MemorySessionStore", "Record", "SQLiteSessionStore", "SessionStore"]

_SWEEP = 60.0  # seconds between clearings of what has ended


@dataclass(frozen=True, slots=True)
class Record:
    """A session at rest: sealed, under the digest of its name. Who can read the store can use nothing."""

    key: str
    sealed: str = field(repr=False)
    subject: str
    sid: str | None
    ends_at: float


@runtime_checkable
class SessionStore(Protocol):
    """Where sessions are kept. Every method may raise :class:`SignInUnavailable`."""

    blocking: bool
    """True when a method may wait for a disk or a network: asyncio then calls it in a thread."""

    def put(self, record: Record, *, now: float) -> None:
        """Keep a new session."""
        ...

    def get(self, key: str, *, now: float) -> str | None:
        """Return what is sealed under a key, if it is there and has not ended."""
        ...

    def replace(self, key: str, sealed: str) -> bool:
        """Change a session that is still there; tell whether it was. Must never bring one back."""
        ...

    def end(self, key: str) -> None:
        """Remove a session."""
        ...

    def end_matching(self, *, subject: str | None, sid: str | None) -> int:
        """Remove every session of a person, of a sign-in, or of both at once; return how many."""
        ...

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires; tell, in one step, whether it was unknown."""
        ...


class MemorySessionStore:
    """Keeps sessions in this process: they end with it.

    :param most: how many sessions, and how many used names, are kept; beyond it nobody can sign in.
    """

    blocking = False

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._records: dict[str, Record] = {}
        self._used: dict[str, float] = {}
        self._swept_at = 0.0
        self._lock = PerProcess(threading.Lock)

    def put(self, record: Record, *, now: float) -> None:
        """Keep a new session.

        :raises SignInUnavailable: there are too many.
        """
        with self._lock.here():
            self._sweep(now, full=len(self._records) >= self._most)
            if len(self._records) >= self._most:
                raise _unavailable(f"More than {self._most} sessions are alive at once.")
            self._records[record.key] = record

    def get(self, key: str, *, now: float) -> str | None:
        """Return what is sealed under a key."""
        record = self._records.get(key)
        return record.sealed if record is not None and now < record.ends_at else None

    def replace(self, key: str, sealed: str) -> bool:
        """Change a session that is still there."""
        with self._lock.here():
            record = self._records.get(key)
            if record is None:
                return False
            self._records[key] = replace(record, sealed=sealed)
            return True

    def end(self, key: str) -> None:
        """Remove a session."""
        with self._lock.here():
            self._records.pop(key, None)

    def end_matching(self, *, subject: str | None, sid: str | None) -> int:
        """Remove every session of a person, of a sign-in, or of both at once."""
        if subject is None and sid is None:
            return 0
        with self._lock.here():
            ended = [
                key
                for key, record in self._records.items()
                if subject in (None, record.subject) and sid in (None, record.sid)
            ]
            for key in ended:
                del self._records[key]
            return len(ended)

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock.here():
            self._sweep(now, full=len(self._used) >= self._most)
            if self._used.get(digest, now) > now:
                return False
            if len(self._used) >= self._most:
                raise _unavailable(f"More than {self._most} names are remembered at once.")
            self._used[digest] = expires_at
            return True

    def _sweep(self, now: float, *, full: bool) -> None:
        if full or not 0 <= now - self._swept_at < _SWEEP:
            self._swept_at = now
            self._records = {key: record for key, record in self._records.items() if now < record.ends_at}
            self._used = {name: expires_at for name, expires_at in self._used.items() if now < expires_at}


_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  key TEXT PRIMARY KEY, sealed TEXT NOT NULL, subject TEXT NOT NULL, sid TEXT, ends_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_subject ON sessions (subject);
CREATE INDEX IF NOT EXISTS sessions_by_sid ON sessions (sid);
CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (ends_at);
CREATE TABLE IF NOT EXISTS used (name TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID;
"""


class SQLiteSessionStore:
    """Keeps sessions in a file that all processes of one machine share; they survive a restart.

    :param path: the file, made with mode 0600 if it is not there.
    :raises ConfigurationError: the file cannot be opened as a database.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._file = SharedFile(path, _SCHEMA)
        except (OSError, sqlite3.Error):
            raise ConfigurationError(f"{os.fspath(path)} cannot be opened as a session store.") from None

    def put(self, record: Record, *, now: float) -> None:
        """Keep a new session."""
        values = (record.key, record.sealed, record.subject, record.sid, record.ends_at)
        with self._connection() as connection:
            connection.execute("DELETE FROM sessions WHERE ends_at <= ?", (now,))
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", values)

    def get(self, key: str, *, now: float) -> str | None:
        """Return what is sealed under a key."""
        with self._connection() as connection:
            asked = "SELECT sealed FROM sessions WHERE key = ? AND ends_at > ?"
            row = connection.execute(asked, (key, now)).fetchone()
            return None if row is None else str(row[0])

    def replace(self, key: str, sealed: str) -> bool:
        """Change a session that is still there."""
        with self._connection() as connection:
            changed = connection.execute("UPDATE sessions SET sealed = ? WHERE key = ?", (sealed, key))
            return changed.rowcount == 1

    def end(self, key: str) -> None:
        """Remove a session."""
        with self._connection() as connection:
            connection.execute("DELETE FROM sessions WHERE key = ?", (key,))

    def end_matching(self, *, subject: str | None, sid: str | None) -> int:
        """Remove every session of a person, of a sign-in, or of both at once."""
        if subject is None and sid is None:
            return 0
        matching = "DELETE FROM sessions WHERE subject = coalesce(?, subject) AND (? IS NULL OR sid = ?)"
        with self._connection() as connection:
            return connection.execute(matching, (subject, sid, sid)).rowcount

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        with self._connection() as connection:
            connection.execute("DELETE FROM used WHERE expires_at <= ?", (now,))
            # One statement decides: between processes, too, only one of two can add the row.
            added = connection.execute("INSERT OR IGNORE INTO used VALUES (?, ?)", (digest, expires_at))
            return added.rowcount == 1

    def close(self) -> None:
        """Close this process's connection; the store cannot be used any more."""
        self._file.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._file.lent() as connection:
                yield connection
        except (OSError, sqlite3.Error):
            raise _unavailable("The session store cannot be used.") from None


def _unavailable(message: str) -> SignInUnavailable:
    return SignInUnavailable(message, code=ErrorCode.STORAGE_UNAVAILABLE, retry_after=5.0)
