"""Statements that the driver runs: they say and raise what SQLAlchemy's own way would."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from mintmark.authorization_server.storage import Database, StorageUnavailable
from mintmark.authorization_server.storage import writer as storage
from mintmark.authorization_server.storage.repositories import grants, people, secrets
from mintmark.authorization_server.storage.schema import grants as grants_table
from mintmark.authorization_server.storage.schema import people as people_table
from mintmark.authorization_server.storage.schema import secrets as secrets_table
from mintmark.authorization_server.storage.statements import Statement

from .rows import ALICE, GRANT, add_alice

_INSERT = Statement(sa.insert(secrets_table))
_OF_LONG_NAMES = Statement(
    sa.select(secrets_table.c.name, secrets_table.c.created_at + 1000.0)
    .where(sa.func.length(secrets_table.c.name) > sa.bindparam("longer_than"))
    .order_by(secrets_table.c.name)
)
_SAID_TWICE = Statement(
    sa.select(secrets_table.c.name).where(
        sa.or_(secrets_table.c.name == sa.bindparam("name"), secrets_table.c.sealed == sa.bindparam("name"))
    )
)


def secret(name: str) -> dict[str, Any]:
    return {"name": name, "sealed": "s", "created_at": 1.0}


def test_values_constants_and_rows(db: Database) -> None:
    def work(connection: sa.Connection) -> None:
        _INSERT.run_each(connection, map(secret, ("a", "bb", "ccc")))
        _INSERT.run_each(connection, [])
        assert _OF_LONG_NAMES.every(connection, {"longer_than": 1}) == [("bb", 1001.0), ("ccc", 1001.0)]
        assert _OF_LONG_NAMES.first(connection, {"longer_than": 1}) == ("bb", 1001.0)
        assert _OF_LONG_NAMES.first(connection, {"longer_than": 9}) is None
        assert _SAID_TWICE.every(connection, {"name": "a"}) == [("a",)]
        assert len(_SAID_TWICE.every(connection, {"name": "s"})) == 3

    db.write_now(work)


def test_every_type_comes_back_as_by_sqlalchemy(db: Database) -> None:
    """Booleans, lists, documents, times: each column of a person and of a grant."""

    def work(connection: sa.Connection) -> None:
        add_alice(connection)
        grants.insert(connection, GRANT)
        for found, table in ((grants.by_id(connection, GRANT.grant_id), grants_table),
                             (people.by_id(connection, ALICE.person_id), people_table)):  # fmt: skip
            assert found is not None
            names = found.__struct_fields__
            query = sa.select(*(table.c[name] for name in names))
            (row,) = connection.execute(query).all()
            assert [getattr(found, name) for name in names] == list(row)
            assert [type(getattr(found, name)) for name in names] == [type(value) for value in row]

    db.write_now(work)


def test_what_the_driver_refuses_is_what_sqlalchemy_would_raise(db: Database) -> None:
    for raised in (
        lambda c: [_INSERT.run(c, secret("a")) for _ in range(2)],
        lambda c: _INSERT.run_each(c, [secret("a"), secret("a")]),
    ):
        with pytest.raises(IntegrityError) as refused:
            db.write_now(raised)
        assert isinstance(refused.value.orig, Exception)
        assert "1.0" not in str(refused.value)  # parameters may be personal
    wrong = Statement(sa.text("SELECT nothing_such FROM secrets"))
    with pytest.raises((ProgrammingError, StorageUnavailable)):
        db.write_now(lambda c: wrong.every(c, {}))
    assert db.read_now(lambda c: secrets.every(c)) == ()


def test_a_value_that_is_missing_is_a_mistake(db: Database) -> None:
    with pytest.raises(KeyError):
        db.write_now(lambda c: _INSERT.run(c, {"name": "a"}))


def test_a_statement_after_a_refused_one_finds_a_sound_connection(db: Database) -> None:
    db.write_now(lambda c: _INSERT.run(c, secret("a")))
    for _ in range(20):
        with pytest.raises(DBAPIError):
            db.write_now(lambda c: _INSERT.run(c, secret("a")))
        assert db.read_now(lambda c: secrets.get(c, "a")) == "s"
    db.write_now(lambda c: _INSERT.run(c, secret("b")))


def test_a_row_that_cannot_be_had_at_once_is_had_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'x.db'}")

    def busy(_: object) -> None:
        raise StorageUnavailable("The file is being recovered.")

    db.write_now(add_alice)
    monkeypatch.setattr(db._backend.here, "read", busy)
    found = asyncio.run(db.look_up(lambda c: people.by_id(c, ALICE.person_id)))
    db.close_now()
    assert found == ALICE


def test_looking_up_in_a_closed_database_is_an_outage(db: Database) -> None:
    db.close_now()
    with pytest.raises(StorageUnavailable):
        asyncio.run(db.look_up(lambda c: people.by_id(c, "p")))


def test_looking_up_changes_nothing_and_sees_every_acknowledged_write(db: Database) -> None:
    async def main() -> None:
        for number in range(50):
            name = str(number)
            await db.write(lambda c, n=name: _INSERT.run(c, secret(n)))
            assert await db.look_up(lambda c, n=name: _SAID_TWICE.first(c, {"name": n})) == (name,)
        with pytest.raises(Exception, match=r"read-?only|readonly|does not accept"):
            await db.look_up(lambda c: _INSERT.run(c, secret("x")))

    asyncio.run(main())
    assert db.read_now(lambda c: secrets.get(c, "x")) is None


def test_an_error_of_any_kind_in_a_commit_fails_its_group_and_not_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'x.db'}")
    with monkeypatch.context() as trouble:
        trouble.setattr(storage, "_run_alone", None)  # not callable: nobody has thought of this
        with pytest.raises(StorageUnavailable):
            db.write_now(lambda c: _INSERT.run(c, secret("a")))
    db.write_now(lambda c: _INSERT.run(c, secret("a")))
    assert db.read_now(lambda c: secrets.get(c, "a")) == "s"
    db.close_now()
