"""Counts of failed sign-ins, under keyed digests: neither names nor addresses are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.authorization_server.storage.schema import sign_in_failures as table

__all__ = ["Count", "forget", "get", "put", "take_back"]

_MOST = 3  # buckets that one try concerns; an expanding IN would be compiled anew each time
_GET = sa.select(table.c.bucket, table.c.failures, table.c.last_at, table.c.expires_at).where(
    table.c.bucket.in_([sa.bindparam(f"bucket_{n}", type_=table.c.bucket.type) for n in range(_MOST)])
)
_FORGET = sa.delete(table).where(table.c.bucket == sa.bindparam("key"))
_TAKE_BACK = (
    sa.update(table).where(table.c.bucket == sa.bindparam("key")).values(failures=table.c.failures - 1)
)
_FORGET_NONE = _FORGET.where(table.c.failures < 1)
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


def get(connection: sa.Connection, buckets: Sequence[bytes]) -> dict[bytes, Count]:
    """Return the count of each bucket that has any; one to three buckets."""
    named = {f"bucket_{n}": buckets[min(n, len(buckets) - 1)] for n in range(_MOST)}
    found = connection.execute(_GET, named)
    return {bytes(bucket): Count(*count) for bucket, *count in found}


def put(connection: sa.Connection, counts: dict[bytes, Count]) -> None:
    """Set the counts, whether or not there were any."""
    if counts:
        connection.execute(_PUT, [{"bucket": bucket, **count._asdict()} for bucket, count in counts.items()])


def take_back(connection: sa.Connection, buckets: Sequence[bytes]) -> None:
    """Count one less in each; where none is left, the row goes."""
    if buckets:
        keys = [{"key": bucket} for bucket in buckets]
        connection.execute(_TAKE_BACK, keys)
        connection.execute(_FORGET_NONE, keys)


def forget(connection: sa.Connection, bucket: bytes) -> None:
    connection.execute(_FORGET, {"key": bucket})
