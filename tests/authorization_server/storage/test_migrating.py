"""From the first schema to this one: whatever was kept is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from mintmark.authorization_server.storage import Connection, Database
from mintmark.authorization_server.storage.migrate import migration_scripts
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind
from mintmark.authorization_server.storage.repositories import deny_entries, grants
from mintmark.authorization_server.storage.schema import SCHEMA_VERSION

from .rows import GRANT

FIRST = "0001"
ROWS: dict[str, dict[str, Any]] = {
    "people": {
        "person_id": "p_alice",
        "username": "Alice",
        "username_key": "alice",
        "name": "Alice Ærø",
        "email": None,
        "email_verified": True,
        "roles": '["a"]',
        "groups": "[]",
        "attributes": "{}",
        "password_hash": "hash",
        "password_changed_at": 1.5,
        "created_at": 1.0,
        "updated_at": 2.0,
        "disabled_at": None,
    },
    "grants": {
        "grant_id": "grant",
        "client_id": "app",
        "person_id": "p_alice",
        "sid": "sid",
        "scope": '["openid", "orders:read"]',
        "resources": '["orders", "a name with spaces"]',
        "offline": False,
        "refreshable": True,
        "auth_time": 10.0,
        "acr": "1",
        "amr": '["pwd", "otp"]',
        "nonce": "n",
        "generation": 1,
        "rotated_at": None,
        "created_at": 10.0,
        "idle_end": 100.0,
        "absolute_end": 1000.0,
        "ended_at": None,
        "end_reason": None,
        "expires_at": 100.0,
    },
    "deny_log": {"kind": "sid", "value": "gone", "iat": 1.0, "exp": 2.0, "before": None},
    "secrets": {"name": "root", "sealed": "sealed", "created_at": 1.0},
    "events": {
        "at": 1.0,
        "kind": "grant",
        "person_id": "p_alice",
        "client_id": None,
        "sid": None,
        "grant_id": None,
        "details": "{}",
    },
}


@contextmanager
def bare(url: str) -> Iterator[sa.Connection]:
    """A connection without the service around it."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(parsed, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def first_schema(url: str) -> str:
    """A database as the first version left it."""
    config = Config()
    config.set_main_option("script_location", str(migration_scripts()).replace("%", "%%"))
    with bare(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST)
        for name, row in ROWS.items():
            connection.execute(sa.insert(sa.Table(name, sa.MetaData(), autoload_with=connection)), row)
    return url


def test_rows_of_the_first_schema_are_all_there_after_the_migration(first_schema: str) -> None:
    Database.open(first_schema).close_now()
    with bare(first_schema) as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        assert version == SCHEMA_VERSION
        for name, row in ROWS.items():
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            (found,) = connection.execute(sa.select(table)).mappings()
            assert {column: found[column] for column in row} == row


def test_the_migrated_database_goes_on_working(first_schema: str) -> None:
    db = Database.open(first_schema)
    assert db.read_now(lambda c: grants.by_id(c, "grant")) == GRANT
    assert db.write_now(lambda c: grants.give_status_index(c, "grant", 5)) == 5

    def append(connection: Connection) -> int:
        (entry,) = deny_entries.append(connection, [DenyEntry(DenyKind.SID, "sid", iat=1.0, exp=2.0)])
        return entry.seq

    assert db.write_now(append) == 2
    db.close_now()
