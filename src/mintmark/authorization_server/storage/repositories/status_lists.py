"""Status lists: which blocks of indexes were taken, and which indexes are INVALID. The rest is VALID."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mintmark.authorization_server.storage.records import STATUS_BLOCK_SIZE, STATUS_LIST_SIZE
from mintmark.authorization_server.storage.schema import grants, status_blocks, status_invalid
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["invalid_in", "mark_invalid", "next_in_use", "take_block"]

_MARK = Statement(
    sa.text(  # this form is both SQLite's and PostgreSQL's
        "INSERT INTO status_invalid (status_index, expires_at) VALUES (:status_index, :expires_at) "
        "ON CONFLICT DO NOTHING"
    )
)
_INVALID_IN = Statement(
    sa.select(status_invalid.c.status_index).where(
        status_invalid.c.status_index >= sa.bindparam("first"),
        status_invalid.c.status_index < sa.bindparam("beyond"),
        status_invalid.c.expires_at > sa.bindparam("now"),
    )
)


def _first_from(column: sa.Column[int]) -> Statement:
    start = sa.bindparam("start", type_=sa.BigInteger())  # beyond the column's own range, if so asked
    return Statement(sa.select(column).where(column >= start).order_by(column).limit(1))


# (the first number from a start on, how many of these numbers are one list)
_USES = (
    (_first_from(status_blocks.c.block), STATUS_LIST_SIZE // STATUS_BLOCK_SIZE),
    (_first_from(grants.c.status_index), STATUS_LIST_SIZE),
    (_first_from(status_invalid.c.status_index), STATUS_LIST_SIZE),
)


def take_block(connection: sa.Connection, *, expires_at: float) -> int:
    """Take a block of indexes that nobody has had and nobody will have; return its number, from 1 on.

    :param expires_at: when the last token without a grant that gets an index of it has expired everywhere.
    """
    key = connection.execute(sa.insert(status_blocks), {"expires_at": expires_at}).inserted_primary_key
    return int(key[0]) if key is not None else 0


def mark_invalid(connection: sa.Connection, indexes: Iterable[int], *, expires_at: float) -> None:
    """Mark them INVALID until no verifier takes the last token that could point there."""
    rows = [{"status_index": index, "expires_at": expires_at} for index in indexes]
    _MARK.run_each(connection, rows)


def invalid_in(connection: sa.Connection, number: int, now: float) -> frozenset[int]:
    """The places of one list that are INVALID."""
    first = number * STATUS_LIST_SIZE
    rows = _INVALID_IN.every(connection, {"first": first, "beyond": first + STATUS_LIST_SIZE, "now": now})
    return frozenset(index - first for (index,) in rows)


def next_in_use(connection: sa.Connection, number: int) -> int | None:
    """The first list from ``number`` on which a token may point to; None behind the last."""
    found = []
    for first_from, of_one_list in _USES:
        if (row := first_from.first(connection, {"start": number * of_one_list})) is not None:
            found.append(row[0] // of_one_list)
    return min(found, default=None)
