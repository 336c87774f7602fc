"""Counts of failed sign-ins, under keyed digests: neither names nor addresses are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.authorization_server.storage.schema import sign_in_failures as table

__all__ = ["Count", "forget", "get", "put"]

_IN_BUCKETS = table.c.bucket.in_(sa.bindparam("buckets", expanding=True))
_GET = sa.select(table.c.bucket, table.c.failures, table.c.last_at, table.c.expires_at).where(_IN_BUCKETS)
_FORGET = sa.delete(table).where(_IN_BUCKETS)
_PUT = sa.text(
    "INSERT INTO sign_in_failures (bucket, failures, last_at, expires_at) "
    "VALUES (:bucket, :failures, :last_at, :expires_at) ON CONFLICT (bucket) DO UPDATE SET "
    "failures = excluded.failures, last_at = excluded.last_at, expires_at = excluded.expires_at"
)


class Count(NamedTuple):
    """How often, when last, and when that is forgotten."""

    failures: int
    last_at: float
    expires_at: float


def get(connection: sa.Connection, buckets: Iterable[bytes]) -> dict[bytes, Count]:
    """Return the count of each bucket that has any."""
    found = connection.execute(_GET, {"buckets": list(buckets)})
    return {bytes(bucket): Count(*count) for bucket, *count in found}


def put(connection: sa.Connection, counts: dict[bytes, Count]) -> None:
    """Set the counts, whether or not there were any."""
    if counts:
        connection.execute(_PUT, [{"bucket": bucket, **count._asdict()} for bucket, count in counts.items()])


def forget(connection: sa.Connection, buckets: Iterable[bytes]) -> None:
    connection.execute(_FORGET, {"buckets": list(buckets)})
