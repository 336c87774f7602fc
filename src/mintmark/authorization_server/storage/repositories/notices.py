"""What a person must be told at the next sign-in."""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.authorization_server.storage.records import Notice
from mintmark.authorization_server.storage.schema import notices
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["add", "of_person", "remove_up_to"]

_COLUMNS = tuple(notices.c[name] for name in Notice.__struct_fields__)
_OF_PERSON = Statement(
    sa.select(*_COLUMNS)
    .where(notices.c.person_id == sa.bindparam("person_id"))
    .order_by(notices.c.notice_id)
    .limit(20)
)


def add(connection: sa.Connection, *, person_id: str, kind: str, at: float, client_id: str | None) -> None:
    connection.execute(
        sa.insert(notices), {"person_id": person_id, "kind": kind, "at": at, "client_id": client_id}
    )


def of_person(connection: sa.Connection, person_id: str) -> tuple[Notice, ...]:
    """What has not been told yet, oldest first."""
    return tuple(Notice(*row) for row in _OF_PERSON.every(connection, {"person_id": person_id}))


def remove_up_to(connection: sa.Connection, person_id: str, notice_id: int) -> None:
    """Forget what the person has now been told."""
    connection.execute(
        sa.delete(notices).where(notices.c.person_id == person_id, notices.c.notice_id <= notice_id)
    )
