"""The tables. Only what must outlive a restart is here, and every secret is a digest or sealed.

Portable types only: epoch seconds as floats, JSON as text, digests as bytes. Every table whose rows end has
an indexed column that says when: see :mod:`.cleanup`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

__all__ = [
    "SCHEMA_VERSION",
    "clients",
    "codes",
    "deny_log",
    "events",
    "grants",
    "metadata",
    "notices",
    "one_time",
    "people",
    "resources",
    "revisions",
    "secrets",
    "sign_in_failures",
    "sign_ins",
    "signing_keys",
    "status_blocks",
    "status_invalid",
]

SCHEMA_VERSION = "0004"  # the newest revision in migrations/versions; a test holds them together

metadata = MetaData()


class Strings(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings, kept as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else _array_of(tuple(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else _strings_of(value)


@functools.lru_cache(1024)  # the scopes, audiences and roles of a service are few
def _array_of(strings: tuple[str, ...]) -> str:
    return json.dumps(strings)


@functools.lru_cache(1024)
def _strings_of(array: str) -> tuple[str, ...]:
    return tuple(json.loads(array))


class Document(TypeDecorator[Mapping[str, Any]]):
    """A JSON object, kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(dict(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, Any] | None:
        return None if value is None else dict(json.loads(value))


def _owner() -> Column[str]:
    return Column("person_id", String(64), ForeignKey("people.person_id", ondelete="CASCADE"), nullable=False)


people = Table(
    "people",
    metadata,
    Column("person_id", String(64), primary_key=True),
    Column("username", String(255), nullable=False),
    Column("username_key", String(255), nullable=False, unique=True),  # what sign-in compares with
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("email_verified", Boolean(create_constraint=False), nullable=False),
    Column("roles", Strings, nullable=False),
    Column("groups", Strings, nullable=False),
    Column("attributes", Document, nullable=False),
    Column("password_hash", Text),
    Column("password_changed_at", Double),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("disabled_at", Double),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("sid", String(64), primary_key=True),
    Column("cookie_hash", LargeBinary(32), nullable=False, unique=True),
    _owner(),
    Column("auth_time", Double, nullable=False),
    Column("amr", Strings, nullable=False),
    Column("acr", Text),
    Column("created_at", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("absolute_end", Double, nullable=False),
    Index("ix_sign_ins_person_id", "person_id"),
)

grants = Table(
    "grants",
    metadata,
    Column("grant_id", String(64), primary_key=True),
    Column("client_id", String(255), nullable=False, index=True),
    _owner(),
    Column("sid", String(64), index=True),  # no foreign key: offline grants outlive their sign-in
    Column("scope", Strings, nullable=False),
    Column("resources", Strings, nullable=False),
    Column("offline", Boolean(create_constraint=False), nullable=False),
    Column("refreshable", Boolean(create_constraint=False), nullable=False),
    Column("auth_time", Double, nullable=False),
    Column("acr", Text),
    Column("amr", Strings, nullable=False),
    Column("nonce", Text),
    Column("generation", Integer, nullable=False),
    Column("rotated_at", Double),
    Column("created_at", Double, nullable=False),
    Column("idle_end", Double, nullable=False),
    Column("absolute_end", Double, nullable=False),
    Column("ended_at", Double),
    Column("end_reason", String(64)),
    Column("expires_at", Double, nullable=False, index=True),  # when the row may go
    Column("status_index", BigInteger),
    Index("ix_grants_person_id", "person_id"),
)
# Indexes over a part of a table are so on PostgreSQL too: the revisions say it. To say it here would load its
# dialect into processes that never need it, which are most.
Index(
    "ix_grants_status_index",
    grants.c.status_index,
    sqlite_where=grants.c.status_index.is_not(None),  # so that others pay nothing for the index
)

codes = Table(
    "codes",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("client_id", String(255), nullable=False),
    _owner(),
    Column("sid", String(64), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", String(128), nullable=False),
    Column("scope", Strings, nullable=False),
    Column("resources", Strings, nullable=False),
    Column("nonce", Text),
    Column("auth_time", Double, nullable=False),
    Column("acr", Text),
    Column("amr", Strings, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("used_at", Double),
    Column("grant_id", String(64)),
    Column("kept_until", Double, nullable=False, index=True),  # longer than expires_at: replays must be seen
    Index("ix_codes_person_id", "person_id"),
)

deny_log = Table(
    "deny_log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("value", String(255), nullable=False),
    Column("iat", Double, nullable=False),
    Column("exp", Double, nullable=False, index=True),
    Column("before", Double),
    sqlite_autoincrement=True,  # a number is never used again, not even after the newest row has died
)

status_blocks = Table(
    "status_blocks",
    metadata,
    Column("block", Integer, primary_key=True, autoincrement=True),
    Column("expires_at", Double, nullable=False, index=True),  # of the last token without a grant in it
    sqlite_autoincrement=True,  # no status index is ever given twice
)

status_invalid = Table(
    "status_invalid",
    metadata,
    Column("status_index", BigInteger, primary_key=True, autoincrement=False),
    Column("expires_at", Double, nullable=False, index=True),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(128), primary_key=True),
    Column("alg", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("public_jwk", Document, nullable=False),
    Column("sealed", Text),  # the private half as a JWE; NULL once it has been destroyed
    Column("created_at", Double, nullable=False),
    Column("activates_at", Double, nullable=False),
    Column("signing_since", Double),
    Column("retired_at", Double),
    Column("gone_at", Double),
    Column("token_lifetime", Double, nullable=False),
    Column("reason", Text),
)
# One winner among processes: the database itself admits one current and one next key per algorithm.
for _state in ("current", "next"):
    Index(
        f"ux_signing_keys_{_state}",
        signing_keys.c.alg,
        unique=True,
        sqlite_where=signing_keys.c.state == _state,
    )

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("person_id", String(64), index=True),
    Column("client_id", String(255)),
    Column("sid", String(64)),
    Column("grant_id", String(64)),
    Column("details", Document, nullable=False),
    sqlite_autoincrement=True,
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", Integer, primary_key=True, autoincrement=True),
    _owner(),
    Column("kind", String(32), nullable=False),
    Column("at", Double, nullable=False, index=True),
    Column("client_id", String(255)),
    Index("ix_notices_person_id", "person_id"),
    sqlite_autoincrement=True,
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column(
        "bucket", LargeBinary(32), primary_key=True
    ),  # a keyed digest: neither names nor addresses are kept
    Column("failures", Integer, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)

one_time = Table(
    "one_time",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("value_hash", LargeBinary(32), primary_key=True),
    Column("expires_at", Double, nullable=False, index=True),
)

# What commands register, beside what the settings file does. The documents are text that only the registry
# reads: one that a newer version wrote must not stand in the way of the others.
resources = Table(
    "resources",
    metadata,
    Column("audience", String(200), primary_key=True),
    Column("document", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    Column("client_id", String(200), primary_key=True),
    Column("document", Text, nullable=False),
    Column("secret_sha256", String(64)),
    Column("previous_secret_sha256", String(64)),
    Column("previous_secret_until", Double),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

# How often what a service keeps in memory has been changed: one look says whether to read it again.
revisions = Table(
    "revisions",
    metadata,
    Column("subject", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
)
