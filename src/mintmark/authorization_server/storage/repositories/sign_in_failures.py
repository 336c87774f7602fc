"""Counts of failed sign-ins, under keyed digests: neither names nor addresses are kept."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mintmark.authorization_server.storage.schema import sign_in_failures as table

__all__ = ["forget", "get", "put"]


def get(connection: sa.Connection, buckets: Iterable[bytes]) -> dict[bytes, tuple[int, float, float]]:
    """Return failures, time of the last and expiry for each bucket that has any."""
    query = sa.select(table).where(table.c.bucket.in_(list(buckets)))
    return {row.bucket: (row.failures, row.last_at, row.expires_at) for row in connection.execute(query)}


def put(
    connection: sa.Connection, bucket: bytes, *, failures: int, last_at: float, expires_at: float
) -> None:
    """Set a bucket's count, whether or not it had one."""
    values = {"failures": failures, "last_at": last_at, "expires_at": expires_at}
    changed = connection.execute(sa.update(table).where(table.c.bucket == bucket).values(**values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table), {"bucket": bucket, **values})


def forget(connection: sa.Connection, buckets: Iterable[bytes]) -> None:
    connection.execute(sa.delete(table).where(table.c.bucket.in_(list(buckets))))
