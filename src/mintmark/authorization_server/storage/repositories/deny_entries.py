"""The deny log: only ever appended to; the clean-up removes what can match nothing any more."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from msgspec.structs import asdict, replace

from mintmark.authorization_server.storage.records import DenyEntry, DenyKind
from mintmark.authorization_server.storage.schema import deny_log
from mintmark.authorization_server.storage.statements import Statement
from mintmark.jwt.policy import MAX_LEEWAY

__all__ = ["after", "append"]

_COLUMNS = tuple(deny_log.c[name] for name in DenyEntry.__struct_fields__)
_AFTER = Statement(
    sa.select(*_COLUMNS)
    .where(deny_log.c.seq > sa.bindparam("seq"), deny_log.c.exp > sa.bindparam("expired"))
    .order_by(deny_log.c.seq)
)


_ONE_AFTER_THE_OTHER = sa.text("SELECT pg_advisory_xact_lock(1684369012)")  # "deny"


def append(connection: sa.Connection, entries: Iterable[DenyEntry]) -> tuple[DenyEntry, ...]:
    """Write the entries in order; return them with their sequence numbers.

    Numbers become visible in their order: on SQLite there is one writer; on PostgreSQL those that append
    wait for each other, from here to their commits. So whoever has read up to a number has missed nothing
    below it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_AFTER_THE_OTHER)
    written = []
    for entry in entries:
        values = asdict(entry)
        del values["seq"]
        key = connection.execute(sa.insert(deny_log), values).inserted_primary_key
        written.append(replace(entry, seq=key[0] if key is not None else 0))
    return tuple(written)


def after(connection: sa.Connection, seq: int, now: float) -> tuple[DenyEntry, ...]:
    """Entries with a greater number that are still alive, oldest first."""
    rows = _AFTER.every(connection, {"seq": seq, "expired": now - MAX_LEEWAY})
    return tuple(DenyEntry(DenyKind(kind), *rest) for kind, *rest in rows)
