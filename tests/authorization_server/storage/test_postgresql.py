"""What is peculiar to PostgreSQL: restarts of the server, lost connections, and refusals in one line."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from mintmark.authorization_server.keys import open_sealer
from mintmark.authorization_server.storage import Database, StorageUnavailable
from mintmark.authorization_server.storage import postgresql as storage
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind
from mintmark.authorization_server.storage.repositories import deny_entries, secrets
from mintmark.errors import ConfigurationError

from .backends import MakeUrl, needs_postgresql

pytestmark = needs_postgresql


@pytest.fixture
def url(postgresql: MakeUrl) -> str:
    return postgresql()


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    db = Database.open(url)
    yield db
    db.close_now()


def end_connections(db: Database) -> None:
    """What a restart of the server does to us: every connection but this one is cut."""
    db.write_now(
        lambda c: c.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    )


def test_acknowledged_means_on_disk(db: Database) -> None:
    assert db.write_now(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar()) == "on"
    assert db.write_now(lambda c: c.exec_driver_sql("SHOW transaction_isolation").scalar()) == "serializable"
    assert db.read_now(lambda c: c.exec_driver_sql("SHOW transaction_read_only").scalar()) == "on"


def test_what_nobody_is_told_of_does_not_wait_for_the_disk_and_the_next_one_does(db: Database) -> None:
    async def both() -> list[Any]:
        def ask(connection: sa.Connection) -> Any:
            return connection.exec_driver_sql("SHOW synchronous_commit").scalar()

        return [await db.write(ask, durable=durable) for durable in (False, True) * 10]

    assert asyncio.run(both()) == ["off", "on"] * 10


def test_a_transaction_that_somebody_left_open_is_an_outage_and_then_ended(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a replica holds whose machine was cut off: the lock of the deny log, and no word any more."""
    monkeypatch.setattr(storage, "_LOCK_TIMEOUT", 0.1)
    monkeypatch.setattr(storage, "_IDLE_TIMEOUT", 1.0)
    db, other = Database.open(url), Database.open(url)
    holds, may_go_on = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        deny(connection, "one")
        holds.set()
        may_go_on.wait(30)

    with ThreadPoolExecutor() as pool:
        cut_off = pool.submit(other.write_now, hold)
        assert holds.wait(10)
        with pytest.raises(StorageUnavailable, match="lock timeout"):
            db.write_now(lambda c: deny(c, "two"))
        deadline = time.monotonic() + 15.0
        while True:  # the server lets go of whoever is silent
            try:
                db.write_now(lambda c: deny(c, "three"))
                break
            except StorageUnavailable:
                assert time.monotonic() < deadline
        may_go_on.set()
        with pytest.raises(StorageUnavailable):
            cut_off.result(10)
    found = db.read_now(lambda c: deny_entries.after(c, 0, 0.0))
    assert [entry.value for entry in found] == ["three"]
    db.close_now()
    other.close_now()


def deny(connection: sa.Connection, sid: str) -> None:
    deny_entries.append(connection, [DenyEntry(DenyKind.SID, sid, iat=1.0, exp=2.0)])


def test_a_server_that_lets_one_wait_in_vain_does_not_let_everybody_wait(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is cut off does not even refuse: with each request waiting its turn, no 503 would come in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://127.0.0.1:{silent.getsockname()[1]}/x"
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 2})
        with monkeypatch.context() as outage:
            outage.setattr(db._backend, "_writes", engine)
            outage.setattr(db._backend, "_reads", engine)
            outage.setattr(storage, "_SPARED", 3600.0)
            for _ in range(20):
                with pytest.raises(StorageUnavailable):
                    db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))
                with pytest.raises(StorageUnavailable):
                    db.read_now(lambda c: secrets.get(c, "a"))
        silent.settimeout(0)
        silent.accept()[0].close()  # one came
        with pytest.raises(BlockingIOError):
            silent.accept()
    monkeypatch.setattr(db._backend, "_away_until", 0.0)
    db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))


@pytest.mark.anyio
async def test_a_server_that_has_stopped_keeps_nobody(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by SIGSTOP: its system still acknowledges every probe. Those behind are answered at once."""
    monkeypatch.setattr(storage, "_PATIENCE", 0.2)
    monkeypatch.setattr(storage, "_SPARED", 1.0)

    def stopped(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT pg_sleep(2)")

    begun = time.monotonic()
    for do in (db.read, db.write):
        monkeypatch.setattr(db._backend, "_away_until", 0.0)
        first, *_ = await asyncio.gather(*(do(stopped) for _ in range(20)), return_exceptions=True)
        assert "does not answer" in str(first)
        with pytest.raises(StorageUnavailable, match="a moment ago"):
            await db.write(lambda c: secrets.insert(c, "a", "s", 1.0))
        with pytest.raises(StorageUnavailable, match="a moment ago"):
            await db.read(lambda c: secrets.get(c, "a"))
    assert time.monotonic() - begun < 1.9  # the first of them are still asleep
    monkeypatch.setattr(storage, "_PATIENCE", 30.0)
    monkeypatch.setattr(db._backend, "_away_until", 0.0)
    await db.write(lambda c: secrets.insert(c, "a", "s", 1.0))
    assert await db.read(lambda c: secrets.get(c, "a")) == "s"


@pytest.mark.anyio
async def test_what_was_answered_503_does_not_happen_later(
    db: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what had begun nor what had to wait behind it: the client has asked again since."""
    monkeypatch.setattr(storage, "_PATIENCE", 0.2)

    def slowly(connection: sa.Connection, name: str) -> None:
        secrets.insert(connection, name, "s", 1.0)
        connection.exec_driver_sql("SELECT pg_sleep(0.6)")

    works = [db.write(lambda c, n=str(number): slowly(c, n)) for number in range(3 * storage._THREADS)]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
    await db.close()  # which waits for what was accepted
    again = Database.open(url)
    assert again.read_now(secrets.every) == ()
    again.close_now()


def test_silence_is_noticed_on_every_connection(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens never speaks: only probes of the system can tell that the server has gone."""
    psycopg = pytest.importorskip("psycopg")
    opened: list[dict[str, str]] = []
    connect = psycopg.connect

    def watched(*arguments: Any, **more: Any) -> Any:
        connection = connect(*arguments, **more)
        opened.append(connection.info.get_parameters())
        return connection

    monkeypatch.setattr(psycopg, "connect", watched)
    end_connections(db)
    deadline = time.monotonic() + 15.0
    while len(opened) < 2:  # one to write, and the ears' own
        db.read_now(lambda c: secrets.get(c, "a"))
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert all(float(said["keepalives_idle"]) <= 30 for said in opened)
    assert all(float(said["tcp_user_timeout"]) <= 30_000 for said in opened)


def test_cut_connections_are_made_anew(db: Database, url: str) -> None:
    db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))
    other = Database.open(url)
    for number in range(3):
        assert db.read_now(lambda c: secrets.get(c, "a")) == "s"
        end_connections(other)
        assert db.read_now(lambda c: secrets.get(c, "a")) == "s"
        db.write_now(lambda c, n=str(number): secrets.insert(c, n, "s", 1.0))
    other.close_now()


def test_what_was_said_while_we_were_deaf_is_found(db: Database, url: str) -> None:
    other = Database.open(url)
    end_connections(other)
    seen = db.changes()
    other.write_now(lambda c: deny_entries.append(c, [DenyEntry(DenyKind.SID, "s", iat=1.0, exp=2.0)]))
    deadline = time.monotonic() + 15.0
    while db.changes() == seen:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    other.close_now()


def test_what_nobody_announces_is_found_too(db: Database, url: str) -> None:
    """A connection that died without a word, and a pooler in between, pass no announcement on."""
    other = Database.open(url)
    other.write_now(lambda c: c.exec_driver_sql("DROP TRIGGER mintmark_announce ON deny_log"))
    deadline = time.monotonic() + 15.0
    while db.changes() == 0:  # it listens from now on
        assert time.monotonic() < deadline
        time.sleep(0.01)
    seen = db.changes()
    other.write_now(lambda c: deny_entries.append(c, [DenyEntry(DenyKind.SID, "s", iat=1.0, exp=2.0)]))
    while db.changes() == seen:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    other.close_now()


def test_options_of_the_url_hold_for_every_connection(url: str) -> None:
    named = sa.make_url(url)
    engine = sa.create_engine(named.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA shop")
    asked = named.update_query_dict({"options": "-c search_path=shop"})
    if "host" in named.query:  # the one that answers, of several
        asked = asked.update_query_dict({"host": ["/nowhere", str(named.query["host"])]})
    db = Database.open(asked.render_as_string(hide_password=False))
    db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))
    assert db.read_now(lambda c: secrets.get(c, "a")) == "s"
    assert db.write_now(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar()) == "on"
    db.close_now()


def test_a_commit_whose_answer_was_lost_is_not_done_twice(db: Database, url: str) -> None:
    """The work cuts its own connection: the commit cannot be answered, and must not be tried again."""
    runs = []

    def work(connection: sa.Connection) -> None:
        runs.append(1)
        secrets.insert(connection, f"run {len(runs)}", "s", 1.0)
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        other.write_now(lambda c: c.exec_driver_sql(f"SELECT pg_terminate_backend({pid})").scalar())

    other = Database.open(url)
    with pytest.raises(StorageUnavailable):
        db.write_now(work)
    other.close_now()
    assert runs == [1]


def test_a_real_duplicate_is_still_one(db: Database) -> None:
    db.write_now(lambda c: secrets.insert(c, "a", "s", 1.0))
    with pytest.raises(IntegrityError):
        db.write_now(lambda c: secrets.insert(c, "a", "t", 1.0))


def test_a_server_that_cannot_be_reached_is_one_line_without_the_password() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Database.open("postgresql://somebody:hunter2@127.0.0.1:1/mintmark")
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)


def test_the_password_is_in_no_repr(db: Database, url: str) -> None:
    secret = sa.make_url(url).set(password="hunter2").render_as_string(hide_password=False)
    named = Database.open(secret)
    assert "hunter2" not in repr(named) + named.name
    named.close_now()


def test_another_programs_and_newer_databases_are_refused(
    db: Database, postgresql: MakeUrl, url: str
) -> None:
    foreign = postgresql()
    engine = sa.create_engine(
        sa.make_url(foreign).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(ConfigurationError, match="another program"):
        Database.open(foreign)
    db.write_now(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9042'"))
    with pytest.raises(ConfigurationError, match="newer mintmark"):
        Database.open(url)


def test_the_key_file_must_be_named(db: Database) -> None:
    with pytest.raises(ConfigurationError, match="Say where"):
        open_sealer(db, environ={})


def test_writing_to_a_closed_database_is_an_outage(db: Database) -> None:
    db.close_now()
    with pytest.raises(StorageUnavailable):
        asyncio.run(db.write(lambda c: secrets.get(c, "a")))
    with pytest.raises(StorageUnavailable):
        db.changes()
