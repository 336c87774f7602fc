"""The audit trail: who did what when. Details never hold a token, a code, a password or a secret."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import Event
from mintmark.authorization_server.storage.schema import events
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["latest", "record"]

_COLUMNS = tuple(events.c[name] for name in Event.__struct_fields__)
_INSERT = Statement(
    sa.insert(events).values(  # the store gives the identifier
        {c.name: sa.bindparam(c.name) for c in _COLUMNS if c is not events.c.event_id}
    )
)


def record(connection: sa.Connection, event: Event) -> None:
    _INSERT.run(connection, asdict(event))


def latest(
    connection: sa.Connection, *, limit: int = 100, kind: str | None = None, person_id: str | None = None
) -> tuple[Event, ...]:
    """The newest events first."""
    query = sa.select(*_COLUMNS).order_by(events.c.event_id.desc()).limit(limit)
    if kind is not None:
        query = query.where(events.c.kind == kind)
    if person_id is not None:
        query = query.where(events.c.person_id == person_id)
    return tuple(Event(*row) for row in connection.execute(query))
