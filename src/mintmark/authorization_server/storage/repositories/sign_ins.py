"""Sign-ins: one row for each browser in which somebody is signed in."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import SignIn
from mintmark.authorization_server.storage.schema import sign_ins
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["by_cookie_hash", "by_sid", "insert", "remove", "remove_of_person", "renew", "touch"]

_COLUMNS = tuple(sign_ins.c[name] for name in SignIn.__struct_fields__)
_INSERT = Statement(sa.insert(sign_ins))
_BY_COOKIE = Statement(sa.select(*_COLUMNS).where(sign_ins.c.cookie_hash == sa.bindparam("cookie_hash")))
_BY_SID = Statement(sa.select(*_COLUMNS).where(sign_ins.c.sid == sa.bindparam("sid")))
_idle_end: sa.ColumnElement[float] = sa.bindparam("idle_end", type_=sign_ins.c.expires_at.type)
_TOUCH = Statement(
    sa.update(sign_ins)
    .where(sign_ins.c.sid == sa.bindparam("key"), sign_ins.c.last_seen < sa.bindparam("seen_before"))
    .values(
        last_seen=sa.bindparam("now"),
        expires_at=sa.case((_idle_end < sign_ins.c.absolute_end, _idle_end), else_=sign_ins.c.absolute_end),
    )
)


def insert(connection: sa.Connection, sign_in: SignIn, cookie_hash: bytes) -> None:
    _INSERT.run(connection, {**asdict(sign_in), "cookie_hash": cookie_hash})


def by_cookie_hash(connection: sa.Connection, cookie_hash: bytes) -> SignIn | None:
    row = _BY_COOKIE.first(connection, {"cookie_hash": cookie_hash})
    return None if row is None else SignIn(*row)


def by_sid(connection: sa.Connection, sid: str) -> SignIn | None:
    row = _BY_SID.first(connection, {"sid": sid})
    return None if row is None else SignIn(*row)


def touch(connection: sa.Connection, sid: str, *, now: float, idle_end: float, seen_before: float) -> None:
    """Note that the person is here, unless that was noted after ``seen_before``; the end moves."""
    _TOUCH.run(connection, {"key": sid, "now": now, "idle_end": idle_end, "seen_before": seen_before})


def renew(connection: sa.Connection, sign_in: SignIn, cookie_hash: bytes) -> None:
    """Write the sign-in anew under a new cookie: the old cookie is worth nothing from now on."""
    values = {**asdict(sign_in), "cookie_hash": cookie_hash}
    connection.execute(sa.update(sign_ins).where(sign_ins.c.sid == sign_in.sid).values(**values))


def remove(connection: sa.Connection, sid: str) -> bool:
    """Remove it; False if it was not there."""
    return connection.execute(sa.delete(sign_ins).where(sign_ins.c.sid == sid)).rowcount == 1


def remove_of_person(connection: sa.Connection, person_id: str, *, except_sid: str | None) -> None:
    condition = sign_ins.c.person_id == person_id
    if except_sid is not None:
        condition &= sign_ins.c.sid != except_sid
    connection.execute(sa.delete(sign_ins).where(condition))
