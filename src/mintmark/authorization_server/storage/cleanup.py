"""What goes when: each table whose rows end, and the column that says when. Small batches, oldest first."""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.authorization_server.storage import schema
from mintmark.jwt.policy import MAX_LEEWAY

__all__ = ["EVENTS_KEPT", "remove_expired"]

_BATCH = 100  # other writers wait for one batch at most
EVENTS_KEPT = 90 * 86400.0  # seconds that the audit trail goes back
_NOTICES_KEPT = 90 * 86400.0

# (table, its end, seconds that a row stays after that moment)
_ENDS: tuple[tuple[sa.Table, sa.Column[float], float], ...] = (
    (schema.sign_ins, schema.sign_ins.c.expires_at, 0.0),
    (schema.grants, schema.grants.c.expires_at, 0.0),
    (schema.codes, schema.codes.c.kept_until, 0.0),
    (schema.deny_log, schema.deny_log.c.exp, MAX_LEEWAY),
    (schema.status_blocks, schema.status_blocks.c.expires_at, 0.0),
    (schema.status_invalid, schema.status_invalid.c.expires_at, 0.0),
    (schema.sign_in_failures, schema.sign_in_failures.c.expires_at, 0.0),
    (schema.one_time, schema.one_time.c.expires_at, 0.0),
    (schema.events, schema.events.c.at, EVENTS_KEPT),
    (schema.notices, schema.notices.c.at, _NOTICES_KEPT),
)


def _statement(table: sa.Table, end: sa.Column[float]) -> sa.Delete:
    key = list(table.primary_key)
    due = sa.select(*key).where(end < sa.bindparam("before")).order_by(end).limit(_BATCH)
    columns = key[0] if len(key) == 1 else sa.tuple_(*key)
    return sa.delete(table).where(columns.in_(due))


_STATEMENTS = tuple((_statement(table, end), kept) for table, end, kept in _ENDS)


_MY_TURN = sa.text("SELECT pg_try_advisory_xact_lock(1668048225)")  # "clea"


def remove_expired(connection: sa.Connection, now: float) -> int:
    """Remove at most one batch from each table; return how many rows went.

    0 says that nothing is due, or that another replica is at it.
    """
    if connection.dialect.name == "postgresql" and not connection.execute(_MY_TURN).scalar():
        return 0
    return sum(
        connection.execute(statement, {"before": now - kept}).rowcount for statement, kept in _STATEMENTS
    )
