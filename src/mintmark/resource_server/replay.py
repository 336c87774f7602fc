"""Remember what may be used once: the proofs that were seen (RFC 9449 11.1)."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from typing import Protocol, runtime_checkable

from mintmark.errors import ConfigurationError, ErrorCode, KeysUnavailable
from mintmark.net.flight import PerProcess
from mintmark.net.shared_file import SharedFile

__all__ = ["MemoryReplayStore", "ReplayStore", "SQLiteReplayStore"]

_SWEEP = 30.0  # seconds between clearings of what has expired


@runtime_checkable
class ReplayStore(Protocol):
    """Where uses are remembered. One call decides, so that two requests at once cannot both be first."""

    blocking: bool
    """True when :meth:`first_use` may wait for a disk or a network: asyncio then calls it in a thread."""

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires; tell whether it was unknown.

        :raises KeysUnavailable: nothing can be remembered now, so that no use can be called the first.
        """
        ...


class MemoryReplayStore:
    """Remembers in this process: enough for a service that runs as one.

    :param most: how many names are remembered at once. When that many are alive, further requests are
        refused, for forgetting one would let it be used again.
    """

    blocking = False

    def __init__(self, most: int = 1_000_000) -> None:
        self._seen: dict[str, float] = {}
        self._most = most
        self._swept_at = 0.0
        self._lock = PerProcess(threading.Lock)

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires; tell whether it was unknown."""
        with self._lock.here():
            if len(self._seen) >= self._most or not 0 <= now - self._swept_at < _SWEEP:
                self._sweep(now)
            known = self._seen.get(name)
            if known is not None and known > now:
                return False
            if len(self._seen) >= self._most:
                raise _unavailable(f"More than {self._most} proofs are alive at once.")
            self._seen[name] = expires_at
            return True

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        self._seen = {name: expires_at for name, expires_at in self._seen.items() if expires_at > now}


_SCHEMA = "CREATE TABLE IF NOT EXISTS seen (name BLOB PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID"


class SQLiteReplayStore:
    """Remembers in a file that all processes of one machine share.

    :param path: the file, made with mode 0600 if it is not there. It holds digests, nothing secret.
    :raises ConfigurationError: the file cannot be opened as a database.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._swept_at = 0.0
        try:
            self._file = SharedFile(path, _SCHEMA)
        except (OSError, sqlite3.Error):
            raise ConfigurationError(f"{os.fspath(path)} cannot be opened as a replay store.") from None

    def first_use(self, name: str, *, expires_at: float, now: float) -> bool:
        """Remember a name until it expires; tell whether it was unknown."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        try:
            with self._file.lent() as connection:
                if not 0 <= now - self._swept_at < _SWEEP:
                    self._swept_at = now
                    connection.execute("DELETE FROM seen WHERE expires_at <= ?", (now,))
                # One statement decides: between processes, too, only one of two can change the row.
                changed = connection.execute(
                    "INSERT INTO seen VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
                    " SET expires_at = excluded.expires_at WHERE expires_at <= ?",
                    (digest, expires_at, now),
                )
                return changed.rowcount == 1
        except (OSError, sqlite3.Error):
            raise _unavailable("The replay store cannot be written.") from None

    def close(self) -> None:
        """Close this process's connection; the store cannot be used any more."""
        self._file.close()


def _unavailable(message: str) -> KeysUnavailable:
    return KeysUnavailable(message, code=ErrorCode.STORAGE_UNAVAILABLE, retry_after=5.0)
