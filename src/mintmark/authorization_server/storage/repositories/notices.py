"""What a person must be told at the next sign-in."""

from __future__ import annotations

from dataclasses import fields

import sqlalchemy as sa

from mintmark.authorization_server.storage.records import Notice
from mintmark.authorization_server.storage.schema import notices

__all__ = ["add", "of_person", "remove_up_to"]

_COLUMNS = tuple(notices.c[field.name] for field in fields(Notice))


def add(connection: sa.Connection, *, person_id: str, kind: str, at: float, client_id: str | None) -> None:
    connection.execute(
        sa.insert(notices), {"person_id": person_id, "kind": kind, "at": at, "client_id": client_id}
    )


def of_person(connection: sa.Connection, person_id: str) -> tuple[Notice, ...]:
    """What has not been told yet, oldest first."""
    query = (
        sa.select(*_COLUMNS).where(notices.c.person_id == person_id).order_by(notices.c.notice_id).limit(20)
    )
    return tuple(Notice(*row) for row in connection.execute(query))


def remove_up_to(connection: sa.Connection, person_id: str, notice_id: int) -> None:
    """Forget what the person has now been told."""
    connection.execute(
        sa.delete(notices).where(notices.c.person_id == person_id, notices.c.notice_id <= notice_id)
    )
