"""When the disk says no: everybody of the group hears it, nobody was told otherwise, and it goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from mintmark.authorization_server.storage import Database, StorageUnavailable, sqlite
from mintmark.authorization_server.storage.repositories import secrets


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database.open(f"sqlite:///{tmp_path / 'x.db'}")


def put(connection: sa.Connection, name: str, size: int = 1) -> None:
    secrets.insert(connection, name, "s" * size, 1.0)


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Another process holds the lock, for longer than we wait."""
    db.write_now(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 50"))
    holder = sqlite3.connect(db.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield
    holder.execute("ROLLBACK")
    holder.close()


def test_a_full_disk_fails_the_group_and_room_makes_it_work_again(db: Database) -> None:
    def limit(connection: sa.Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    size = int(db.write_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar()) or 0)
    db.write_now(lambda c: limit(c, size + 2))

    async def main() -> list[object]:
        works = [lambda c, n=n: put(c, str(n), 1 if n else 1_000_000) for n in range(5)]
        return await asyncio.gather(*(db.write(work) for work in works), return_exceptions=True)

    outcomes = asyncio.run(main())
    assert isinstance(outcomes[0], StorageUnavailable)
    kept = {n for n in range(5) if db.read_now(lambda c, n=n: secrets.get(c, str(n)))}
    assert kept == {n for n, outcome in enumerate(outcomes) if outcome is None}
    db.write_now(lambda c: limit(c, 1_000_000))
    db.write_now(lambda c: put(c, "after", 1_000_000))
    db.close_now()


def test_a_lock_that_is_held_too_long_is_an_outage_and_not_a_loss(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(db):
        with pytest.raises(StorageUnavailable, match="locked"):
            db.write_now(lambda c: put(c, "a"))
        assert db.read_now(lambda c: secrets.get(c, "a")) is None  # reading goes on
    db.write_now(lambda c: put(c, "a"))
    db.close_now()


def test_a_writer_that_cannot_connect_again_tries_once_more(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a group that failed, and then no descriptors left, say."""
    with locked(db), pytest.raises(StorageUnavailable, match="locked"):
        db.write_now(lambda c: put(c, "a"))

    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    with monkeypatch.context() as trouble:
        trouble.setattr(sqlite3, "connect", refuse)
        trouble.setattr(sqlite, "set_pragmas", refuse)
        for _ in range(3):
            with pytest.raises(StorageUnavailable, match="unable to open"):
                db.write_now(lambda c: put(c, "a"))
    db.write_now(lambda c: put(c, "a"))
    assert db.read_now(lambda c: secrets.get(c, "a")) == "s"
    db.close_now()


def test_a_disk_that_undoes_the_transaction_is_named_as_the_cause(db: Database) -> None:
    def undone(connection: sa.Connection) -> None:
        put(connection, "a")
        connection.exec_driver_sql("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(StorageUnavailable, match="disk is full"):
        db.write_now(undone)
    db.write_now(lambda c: put(c, "a"))
    db.close_now()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux shows which files are open")
def test_what_savepoints_keep_of_the_data_goes_through_no_file(db: Database) -> None:
    """Whoever writes a lot in a group would have each page written twice, and once outside the database."""
    db.write_now(lambda c: [put(c, str(number), 1000) for number in range(200)])

    def change(connection: sa.Connection) -> list[str]:
        connection.exec_driver_sql("UPDATE secrets SET created_at = created_at + 1")
        return [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]

    async def main() -> list[list[str]]:
        return await asyncio.gather(*(db.write(change) for _ in range(4)))

    opened = asyncio.run(main())
    assert len(opened) == 4
    assert any(name.endswith("x.db") for name in opened[-1])
    assert not [name for names in opened for name in names if "etilqs" in name]
    db.close_now()


def test_an_outage_names_its_cause_and_never_the_data(db: Database) -> None:
    with pytest.raises(StorageUnavailable) as refused:
        db.write_now(lambda c: c.execute(sa.text("SELECT :secret FROM nowhere"), {"secret": "hunter2"}))
    assert "nowhere" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value.__cause__)
    db.close_now()


def test_reading_a_closed_database_is_an_outage(db: Database) -> None:
    db.close_now()
    db.close_now()
    with pytest.raises(StorageUnavailable):
        db.changes()
    with pytest.raises(StorageUnavailable):
        asyncio.run(db.read(lambda c: secrets.get(c, "a")))


def test_waiting_for_another_process_has_an_end() -> None:
    assert 1.0 <= sqlite.BUSY_TIMEOUT <= 10.0
