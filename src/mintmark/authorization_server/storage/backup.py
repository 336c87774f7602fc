"""Back up a database while it is in use, and restore it where there is none; for PostgreSQL there is pg_dump.

A backup holds no key-encryption key: keep that file too, and elsewhere. What was ended after the backup was
made is not ended in it; refresh tokens that were issued after it go on (see ``sessions.refresh``).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mintmark.authorization_server.storage.database import Database
from mintmark.authorization_server.storage.files import put_in_place, sync
from mintmark.authorization_server.storage.schema import SCHEMA_VERSION
from mintmark.errors import ConfigurationError

__all__ = ["back_up", "restore"]


def back_up(db: Database, target: Path) -> None:
    """Write one whole moment of the database to a new file, 0600; writers go on meanwhile. Blocks.

    :raises ConfigurationError: the target exists or cannot be written, or the database is not a file.
    """
    if db.path is None:
        raise ConfigurationError(f"{db.name} is backed up with pg_dump.")
    _copy(db.path, target)


def restore(backup: Path, target: Path) -> None:
    """Put a backup where there is no database yet, once it has been found whole. Blocks.

    :raises ConfigurationError: not a whole mintmark backup, of a newer version, or the target exists.
    """
    _examine(backup)
    if target.exists():
        raise ConfigurationError(f"{target} exists already: move it away first.")
    for leftover in (target.with_name(target.name + end) for end in ("-wal", "-shm")):
        if leftover.exists():
            raise ConfigurationError(f"{leftover} belongs to another database: move it away first.")
    _copy(backup, target)


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with _opened(source) as there, _opened(draft) as here:
                there.backup(here)
                here.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, with nothing beside it
            sync(draft)
            put_in_place(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError as error:
        raise ConfigurationError(f"{target} exists already: name another file.") from error
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise ConfigurationError(f"{source} cannot be copied: {error}.") from error


def _examine(backup: Path) -> None:
    if not backup.is_file():
        raise ConfigurationError(f"There is no backup {backup}.")
    try:
        with _opened(backup) as connection:
            whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    except sqlite3.Error as error:
        raise ConfigurationError(f"{backup} is not a mintmark backup: {error}.") from error
    if not whole:
        raise ConfigurationError(f"{backup} is damaged.")
    if version is None or str(version) > SCHEMA_VERSION:
        raise ConfigurationError(f"{backup} is of a newer mintmark (schema {version}).")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
