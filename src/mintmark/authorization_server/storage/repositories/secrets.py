"""The service's own secrets, sealed."""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.authorization_server.storage.schema import secrets, signing_keys

__all__ = ["anything_sealed", "every", "get", "insert", "reseal"]


def get(connection: sa.Connection, name: str) -> str | None:
    return connection.execute(sa.select(secrets.c.sealed).where(secrets.c.name == name)).scalar()


def insert(connection: sa.Connection, name: str, sealed: str, now: float) -> None:
    """:raises Conflict: there is one already."""
    connection.execute(sa.insert(secrets), {"name": name, "sealed": sealed, "created_at": now})


def every(connection: sa.Connection) -> tuple[tuple[str, str], ...]:
    """All secrets: names and sealed contents."""
    query = sa.select(secrets.c.name, secrets.c.sealed).order_by(secrets.c.name)
    return tuple((name, sealed) for name, sealed in connection.execute(query))


def reseal(connection: sa.Connection, name: str, sealed: str) -> None:
    """Put the same secret under another key-encryption key."""
    connection.execute(sa.update(secrets).where(secrets.c.name == name).values(sealed=sealed))


def anything_sealed(connection: sa.Connection) -> bool:
    """Whether a key-encryption key must already exist somewhere."""
    queries = (
        sa.select(secrets.c.name).limit(1),
        sa.select(signing_keys.c.kid).where(signing_keys.c.sealed.is_not(None)).limit(1),
    )
    return any(connection.execute(query).first() is not None for query in queries)
