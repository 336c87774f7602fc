"""Registrations: the resources and clients that commands have registered."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import ClientRecord, ResourceRecord
from mintmark.authorization_server.storage.schema import clients, resources, revisions
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["every", "put_client", "put_resource", "remove_client", "remove_resource", "revision"]

_EVERY_RESOURCE = Statement(
    sa.select(*(resources.c[name] for name in ResourceRecord.__struct_fields__)).order_by(
        resources.c.created_at, resources.c.audience
    )
)
_EVERY_CLIENT = Statement(
    sa.select(*(clients.c[name] for name in ClientRecord.__struct_fields__)).order_by(
        clients.c.created_at, clients.c.client_id
    )
)

_SUBJECT = "registrations"
_REVISION = Statement(sa.select(revisions.c.number).where(revisions.c.subject == _SUBJECT))
_CHANGED = Statement(
    sa.text(
        "INSERT INTO revisions (subject, number) VALUES (:subject, 1) "
        "ON CONFLICT (subject) DO UPDATE SET number = revisions.number + 1"
    )
)


def revision(connection: sa.Connection) -> int:
    """How often they have been changed."""
    row = _REVISION.first(connection, {})
    return 0 if row is None else int(row[0])


def every(connection: sa.Connection) -> tuple[tuple[ResourceRecord, ...], tuple[ClientRecord, ...]]:
    """All resources and all clients, oldest first."""
    return (
        tuple(ResourceRecord(*row) for row in _EVERY_RESOURCE.every(connection, {})),
        tuple(ClientRecord(*row) for row in _EVERY_CLIENT.every(connection, {})),
    )


def put_resource(connection: sa.Connection, record: ResourceRecord) -> None:
    """Write a resource, new or in the place of the one of that name."""
    _put(connection, resources, asdict(record))


def put_client(connection: sa.Connection, record: ClientRecord) -> None:
    """Write a client, new or in the place of the one of that name."""
    _put(connection, clients, asdict(record))


def _put(connection: sa.Connection, table: sa.Table, values: dict[str, object]) -> None:
    (key,) = table.primary_key
    changed = connection.execute(sa.update(table).where(key == values[key.name]).values(**values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table), values)
    _CHANGED.run(connection, {"subject": _SUBJECT})


def remove_resource(connection: sa.Connection, audience: str) -> None:
    _remove(connection, resources, audience)


def remove_client(connection: sa.Connection, client_id: str) -> None:
    _remove(connection, clients, client_id)


def _remove(connection: sa.Connection, table: sa.Table, name: str) -> None:
    (key,) = table.primary_key
    connection.execute(sa.delete(table).where(key == name))
    _CHANGED.run(connection, {"subject": _SUBJECT})
