"""Grants: the only place that reads or writes the state of refresh tokens."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import Grant, Person
from mintmark.authorization_server.storage.schema import grants, people
from mintmark.authorization_server.storage.statements import Statement
from mintmark.jwt.policy import MAX_LEEWAY

__all__ = [
    "by_id",
    "drop_status_index",
    "end",
    "give_status_index",
    "insert",
    "live",
    "rotate",
    "with_person",
]

_LAST_TOKEN = 86_400.0 + MAX_LEEWAY  # no access token lives longer, however lenient its verifier is

_COLUMNS = tuple(grants.c[name] for name in Grant.__struct_fields__)
_SELECT = sa.select(*_COLUMNS)
_BY_KEY = _SELECT.where(grants.c.grant_id == sa.bindparam("key"))
_BY_ID = Statement(_BY_KEY)
_WITH_PERSON = Statement(
    _BY_KEY.join_from(grants, people)
    .add_columns(*(people.c[name] for name in Person.__struct_fields__))
    .with_for_update(of=grants)
)
_INSERT = Statement(sa.insert(grants))
_ROTATE = Statement(
    sa.update(grants)
    .where(
        grants.c.grant_id == sa.bindparam("key"),
        grants.c.generation == sa.bindparam("from_generation"),
        grants.c.ended_at.is_(None),
    )
    .values(
        generation=sa.bindparam("to_generation"),
        rotated_at=sa.bindparam("rotated_at"),
        idle_end=sa.bindparam("idle_end"),
        expires_at=sa.bindparam("expires_at"),
    )
)
_END = Statement(
    sa.update(grants)
    .where(grants.c.grant_id == sa.bindparam("key"), grants.c.ended_at.is_(None))
    .values(
        ended_at=sa.bindparam("ended_at"),
        end_reason=sa.bindparam("reason"),
        expires_at=sa.bindparam("expires_at"),
    )
)
_GIVE_STATUS_INDEX = Statement(
    sa.update(grants)
    .where(
        grants.c.grant_id == sa.bindparam("key"),
        grants.c.status_index.is_(None),
        grants.c.ended_at.is_(None),
    )
    .values(status_index=sa.bindparam("given"), expires_at=grants.c.expires_at + _LAST_TOKEN)
)
_DROP_STATUS_INDEX = Statement(
    sa.update(grants)
    .where(grants.c.grant_id == sa.bindparam("key"), grants.c.status_index == sa.bindparam("dropped"))
    .values(status_index=None, expires_at=grants.c.expires_at - _LAST_TOKEN)
)


def _row_may_go(grant: Grant) -> float:
    """When it has ended by itself; but while a token of it is in a status list, it can still be revoked."""
    end = min(grant.idle_end, grant.absolute_end)
    return end if grant.status_index is None else end + _LAST_TOKEN


def insert(connection: sa.Connection, grant: Grant) -> None:
    _INSERT.run(connection, {**asdict(grant), "expires_at": _row_may_go(grant)})


def by_id(connection: sa.Connection, grant_id: str) -> Grant | None:
    row = _BY_ID.first(connection, {"key": grant_id})
    return None if row is None else Grant(*row)


def with_person(connection: sa.Connection, grant_id: str) -> tuple[Grant, Person] | None:
    """A grant and whose it is, in one look; nobody else changes the grant until the transaction ends."""
    row = _WITH_PERSON.first(connection, {"key": grant_id})
    return None if row is None else (Grant(*row[: len(_COLUMNS)]), Person(*row[len(_COLUMNS) :]))


def live(
    connection: sa.Connection,
    *,
    sid: str | None = None,
    person_id: str | None = None,
    client_id: str | None = None,
) -> tuple[Grant, ...]:
    """The grants of a sign-in, of a person or of a client that have not ended."""
    said = {grants.c.sid: sid, grants.c.person_id: person_id, grants.c.client_id: client_id}
    (wanted,) = (column == value for column, value in said.items() if value is not None)  # never all of them
    return tuple(
        Grant(*row) for row in connection.execute(_SELECT.where(wanted, grants.c.ended_at.is_(None)))
    )


def rotate(connection: sa.Connection, before: Grant, after: Grant) -> bool:
    """Write the successor's state if the grant still stands where ``before`` says; False if it does not."""
    changed = _ROTATE.run(
        connection,
        {
            "key": before.grant_id,
            "from_generation": before.generation,
            "to_generation": after.generation,
            "rotated_at": after.rotated_at,
            "idle_end": after.idle_end,
            "expires_at": _row_may_go(after),
        },
    )
    return changed == 1


def end(
    connection: sa.Connection, ended: Iterable[Grant], *, now: float, reason: str, kept_until: float
) -> None:
    """Mark them ended; the rows stay until ``kept_until``, so that late questions get a true answer."""
    rows = [
        {"key": grant.grant_id, "ended_at": now, "reason": reason, "expires_at": kept_until}
        for grant in ended
    ]
    _END.run_each(connection, rows)


def give_status_index(connection: sa.Connection, grant_id: str, index: int) -> int | None:
    """Give a grant its place in a status list, unless it has one; return the place, None if it has ended."""
    _GIVE_STATUS_INDEX.run(connection, {"key": grant_id, "given": index})
    grant = by_id(connection, grant_id)
    return None if grant is None or grant.ended_at is not None else grant.status_index


def drop_status_index(connection: sa.Connection, grant_id: str, index: int) -> None:
    """Take that place away from a grant: its next token finds it without one."""
    _DROP_STATUS_INDEX.run(connection, {"key": grant_id, "dropped": index})
