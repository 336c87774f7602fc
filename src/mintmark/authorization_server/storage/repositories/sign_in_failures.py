"""Counts of failed sign-ins, under keyed digests: neither names nor addresses are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.authorization_server.storage.schema import sign_in_failures as table
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["Count", "forget", "get", "put", "take_back"]

_MOST = 3  # buckets that one try concerns
_GET = Statement(
    sa.select(table.c.bucket, table.c.failures, table.c.last_at, table.c.expires_at).where(
        sa.or_(*(table.c.bucket == sa.bindparam(f"bucket_{n}") for n in range(_MOST)))
    )
)
_ONE = table.c.bucket == sa.bindparam("key")
_FORGET = Statement(sa.delete(table).where(_ONE))
_TAKE_BACK = Statement(sa.update(table).where(_ONE).values(failures=table.c.failures - 1))
_FORGET_NONE = Statement(sa.delete(table).where(_ONE, table.c.failures < 1))
_PUT = Statement(
    sa.text(
        "INSERT INTO sign_in_failures (bucket, failures, last_at, expires_at) "
        "VALUES (:bucket, :failures, :last_at, :expires_at) ON CONFLICT (bucket) DO UPDATE SET "
        "failures = excluded.failures, last_at = excluded.last_at, expires_at = excluded.expires_at"
    )
)


class Count(NamedTuple):
    """How often, when last, and when that is forgotten."""

    failures: int
    last_at: float
    expires_at: float


def get(connection: sa.Connection, buckets: Sequence[bytes]) -> dict[bytes, Count]:
    """Return the count of each bucket that has any; one to three buckets."""
    named = {f"bucket_{n}": buckets[min(n, len(buckets) - 1)] for n in range(_MOST)}
    return {bytes(bucket): Count(*count) for bucket, *count in _GET.every(connection, named)}


def put(connection: sa.Connection, counts: dict[bytes, Count]) -> None:
    """Set the counts, whether or not there were any."""
    if counts:
        _PUT.run_each(connection, [{"bucket": bucket, **count._asdict()} for bucket, count in counts.items()])


def take_back(connection: sa.Connection, buckets: Sequence[bytes]) -> None:
    """Count one less in each; where none is left, the row goes."""
    if buckets:
        keys = [{"key": bucket} for bucket in buckets]
        _TAKE_BACK.run_each(connection, keys)
        _FORGET_NONE.run_each(connection, keys)


def forget(connection: sa.Connection, bucket: bytes) -> None:
    _FORGET.run(connection, {"key": bucket})
