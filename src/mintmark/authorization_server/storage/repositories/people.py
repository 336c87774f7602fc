"""People: accounts and their password hashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import Person
from mintmark.authorization_server.storage.schema import people
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["any_exist", "by_id", "by_username_key", "every", "insert", "remove", "update"]

_COLUMNS = tuple(people.c[name] for name in Person.__struct_fields__)
_SELECT = sa.select(*_COLUMNS)
_BY_ID = Statement(_SELECT.where(people.c.person_id == sa.bindparam("person_id")))
_BY_KEY = Statement(
    _SELECT.add_columns(people.c.password_hash).where(people.c.username_key == sa.bindparam("key"))
)


def insert(
    connection: sa.Connection, person: Person, *, username_key: str, password_hash: str | None
) -> None:
    """:raises Conflict: the name is taken."""
    connection.execute(
        sa.insert(people), {**asdict(person), "username_key": username_key, "password_hash": password_hash}
    )


def by_id(connection: sa.Connection, person_id: str) -> Person | None:
    row = _BY_ID.first(connection, {"person_id": person_id})
    return None if row is None else Person(*row)


def by_username_key(connection: sa.Connection, key: str) -> tuple[Person, str | None] | None:
    """Return the person and the password hash."""
    row = _BY_KEY.first(connection, {"key": key})
    return None if row is None else (Person(*row[:-1]), row[-1])


def every(connection: sa.Connection) -> Iterator[Person]:
    """All people by name."""
    return (Person(*row) for row in connection.execute(_SELECT.order_by(people.c.username_key)))


def any_exist(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(people.c.person_id).limit(1)).first() is not None


def remove(connection: sa.Connection, person_id: str) -> None:
    """Remove the account, and with it every sign-in, code, grant and notice of that person."""
    connection.execute(sa.delete(people).where(people.c.person_id == person_id))


def update(connection: sa.Connection, person_id: str, values: dict[str, Any]) -> None:
    """Set columns, if there is such a person."""
    connection.execute(sa.update(people).where(people.c.person_id == person_id).values(**values))
