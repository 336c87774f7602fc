"""Backups: whole, private, taken under load; and nothing is ever overwritten."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from mintmark.authorization_server.sessions import Refreshed
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.backup import back_up, restore
from mintmark.authorization_server.storage.repositories import secrets
from mintmark.errors import ConfigurationError

from ..world import World

pytestmark = pytest.mark.anyio


async def test_a_backup_under_load_is_whole_and_goes_on(world: World, tmp_path: Path) -> None:
    before = await world.grant()
    token = before.refresh_token or ""
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            await world.grant()

    loading = [asyncio.ensure_future(load()) for _ in range(4)]
    await asyncio.to_thread(back_up, world.db, tmp_path / "backup.db")
    stop.set()
    await asyncio.gather(*loading)
    for _ in range(3):  # what the clients did after the backup
        outcome = await world.refresh(token)
        assert isinstance(outcome, Refreshed)
        token = outcome.refresh_token

    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    restore(tmp_path / "backup.db", tmp_path / "restored.db")
    again = await World.begin(f"sqlite:///{tmp_path / 'restored.db'}")
    assert isinstance(await again.refresh(token), Refreshed)  # nobody is signed out by a restore
    await again.end()
    assert not list(tmp_path.glob(".*"))  # noqa: ASYNC240 - no drafts are left


async def test_nothing_is_overwritten(world: World, tmp_path: Path) -> None:
    back_up(world.db, tmp_path / "backup.db")
    content = (tmp_path / "backup.db").read_bytes()
    for attempt in (
        lambda: back_up(world.db, tmp_path / "backup.db"),
        lambda: back_up(world.db, tmp_path / "mintmark.db"),
        lambda: restore(tmp_path / "backup.db", tmp_path / "mintmark.db"),
    ):
        with pytest.raises(ConfigurationError):
            attempt()
    assert (tmp_path / "backup.db").read_bytes() == content
    assert await world.people.find(world.alice.person_id) == world.alice


def test_what_is_no_backup_is_refused_in_one_line(tmp_path: Path, empty_database: Path) -> None:
    (tmp_path / "text").write_text("not a database " * 100)
    (tmp_path / "empty").touch()
    with sqlite3.connect(tmp_path / "foreign") as foreign:
        foreign.execute("CREATE TABLE recipes (name TEXT)")
    foreign.close()
    shutil.copy(empty_database, tmp_path / "newer")
    with sqlite3.connect(tmp_path / "newer") as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9042'")
    newer.close()
    data = bytearray(empty_database.read_bytes())
    data[5000:20000] = b"\xff" * 15000
    (tmp_path / "damaged").write_bytes(data)
    for name in ("text", "empty", "foreign", "newer", "damaged", "missing"):
        with pytest.raises(ConfigurationError) as refused:
            restore(tmp_path / name, tmp_path / "target.db")
        assert name in str(refused.value)
        assert "\n" not in str(refused.value)
        assert not (tmp_path / "target.db").exists()


def test_a_log_that_was_left_behind_is_not_mixed_with_a_backup(tmp_path: Path, empty_database: Path) -> None:
    (tmp_path / "x.db-wal").write_bytes(b"of another database")
    with pytest.raises(ConfigurationError, match="db-wal"):
        restore(empty_database, tmp_path / "x.db")


def test_a_restored_database_is_an_ordinary_one(tmp_path: Path, empty_database: Path) -> None:
    restore(empty_database, tmp_path / "x.db")
    db = Database.open(f"sqlite:///{tmp_path / 'x.db'}", create=False)
    db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))
    assert db.write_now(lambda c: c.exec_driver_sql("PRAGMA journal_mode").scalar()) == "wal"
    db.close_now()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, empty_database: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        restore(empty_database, tmp_path / "nowhere" / "x.db")
