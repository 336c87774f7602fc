"""A database of the first schema goes forward with everything that is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.migrate import migration_scripts
from mintmark.authorization_server.storage.records import KeyRecord, KeyState
from mintmark.authorization_server.storage.repositories import (
    deny_entries,
    grants,
    people,
    registrations,
    secrets,
    signing_keys,
)
from mintmark.authorization_server.storage.schema import SCHEMA_VERSION
from mintmark.errors import ConfigurationError

from .rows import ALICE, CLIENT, GRANT

# As the first version wrote them: a test of today's code would move with it.
FIRST_ROWS: dict[str, dict[str, Any]] = {
    "people": {
        "person_id": "p_alice",
        "username": "Alice",
        "username_key": "alice",
        "name": "Alice Ærø",
        "email": "alice@example.org",
        "email_verified": True,
        "roles": '["a", "b"]',
        "groups": "[]",
        "attributes": '{"cost": 1.5, "tags": ["x", null]}',
        "password_hash": "hash",
        "created_at": 1.25,
        "updated_at": 2.5,
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
        "created_at": 10.0,
        "idle_end": 100.0,
        "absolute_end": 1000.0,
        "expires_at": 100.0,
    },
    "secrets": {"name": "root", "sealed": "sealed", "created_at": 1.0},
    "signing_keys": {
        "kid": "k1",
        "alg": "ES256",
        "state": "current",
        "public_jwk": '{"kty": "EC"}',
        "sealed": "sealed",
        "created_at": 1.0,
        "activates_at": 1.0,
        "signing_since": 1.0,
        "token_lifetime": 600.0,
    },
    "deny_log": {"kind": "sid", "value": "sid", "iat": 1.0, "exp": 9e9},
}


def engine_of(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(parsed, poolclass=sa.NullPool)


@pytest.fixture
def first(url: str) -> str:
    """A database as the first version left it."""
    engine = engine_of(url)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migration_scripts()).replace("%", "%%"))
        command.upgrade(config, "0001")
    with engine.begin() as connection:
        for table, row in FIRST_ROWS.items():
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
    return url


def version_of(url: str) -> str:
    with engine_of(url).connect() as connection:
        return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())


def test_a_database_of_the_first_schema_goes_forward_and_loses_nothing(first: str) -> None:
    assert version_of(first) == "0001"
    db = Database.open(first)
    try:
        assert db.read_now(lambda c: people.by_username_key(c, "alice")) == (ALICE, "hash")
        assert db.read_now(lambda c: grants.by_id(c, "grant")) == GRANT
        assert db.write_now(lambda c: grants.give_status_index(c, "grant", 5)) == 5
        assert db.read_now(lambda c: secrets.get(c, "root")) == "sealed"
        key = KeyRecord("k1", "ES256", KeyState.CURRENT, {"kty": "EC"}, 1.0, 1.0, 1.0, None, None, 600.0)
        assert db.read_now(signing_keys.every) == ((key, "sealed"),)
        (entry,) = db.read_now(lambda c: deny_entries.after(c, 0, 1.0))
        assert (entry.seq, entry.kind, entry.value) == (1, "sid", "sid")
        assert db.read_now(registrations.every) == ((), ())
        db.write_now(lambda c: registrations.put_client(c, CLIENT))
        assert db.read_now(registrations.every) == ((), (CLIENT,))
    finally:
        db.close_now()
    assert version_of(first) == SCHEMA_VERSION


def test_one_that_a_newer_version_has_written_is_refused_in_one_line_and_left_alone(first: str) -> None:
    Database.open(first).close_now()
    with engine_of(first).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9042'"))
        connection.execute(sa.text("ALTER TABLE clients ADD COLUMN of_the_future TEXT"))
    with pytest.raises(ConfigurationError, match=r"^[^\n]*newer mintmark \(schema 9042[^\n]*$"):
        Database.open(first)
    assert version_of(first) == "9042"
    with engine_of(first).connect() as connection:
        row = connection.execute(sa.text("SELECT roles FROM people")).scalar()
    assert json.loads(str(row)) == ["a", "b"]
