"""One SQLite file for many processes: however they come together at its first moment, all of them get in."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from mintmark.client.sign_in.stores import SQLiteSessionStore
from mintmark.errors import ConfigurationError
from mintmark.net import shared_file
from mintmark.net.shared_file import SharedFile
from mintmark.resource_server.replay import SQLiteReplayStore

SCHEMA = "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)"


def test_many_open_a_new_file_at_the_same_instant(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def open_and_write(path: Path, number: int) -> None:
        together.wait(10)
        file = SharedFile(path, SCHEMA)
        with file.lent() as connection:
            connection.execute("INSERT INTO t VALUES (?)", (number,))
        file.close()

    with ThreadPoolExecutor(8) as pool:
        for round_number in range(10):
            path = tmp_path / f"{round_number}.db"
            list(pool.map(open_and_write, [path] * 8, range(8)))
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("SELECT count(*) FROM t").fetchone() == (8,)


@pytest.fixture
def about_to_be_written(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A new file whose write lock somebody holds: SQLite refuses at once to change the journal's mode."""
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@pytest.mark.parametrize("store", [SQLiteReplayStore, SQLiteSessionStore])
def test_who_comes_while_another_is_in_the_way_waits(
    tmp_path: Path,
    about_to_be_written: sqlite3.Connection,
    store: type[SQLiteReplayStore | SQLiteSessionStore],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited = []

    def let_go(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            about_to_be_written.execute("COMMIT")

    monkeypatch.setattr(shared_file, "_sleep", let_go)
    store(tmp_path / "x.db").close()
    assert len(waited) == 2


@pytest.mark.usefixtures("about_to_be_written")
def test_patience_has_an_end_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_file, "_PATIENCE", 0.05)
    with pytest.raises(ConfigurationError, match="cannot be opened as a replay store"):
        SQLiteReplayStore(tmp_path / "x.db")


def test_the_file_is_private_from_its_first_moment_and_an_old_one_keeps_its_rights(tmp_path: Path) -> None:
    SharedFile(tmp_path / "new.db", SCHEMA).close()
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "old.db").touch(0o640)
    SharedFile(tmp_path / "old.db", SCHEMA).close()
    assert (tmp_path / "old.db").stat().st_mode & 0o777 == 0o640
