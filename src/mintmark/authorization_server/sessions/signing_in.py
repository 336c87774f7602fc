"""Begin a sign-in, and note that somebody is still here: units of work on the table of sign-ins."""

from __future__ import annotations

from msgspec.structs import replace

from mintmark.authorization_server.sessions.ending import end_sign_in
from mintmark.authorization_server.sessions.outcomes import SessionPolicy
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import Event, SignIn
from mintmark.authorization_server.storage.repositories import events, sign_ins

__all__ = ["TOUCH_EVERY", "begin", "touch"]

TOUCH_EVERY = 300.0  # seconds between two notes that somebody is here


def begin(
    connection: Connection,
    fresh: SignIn,
    cookie_hash: bytes,
    replaced: bytes | None,
    policy: SessionPolicy,
) -> SignIn:
    """Write the sign-in; return it as it was written.

    :param replaced: the digest of the browser's cookie. If the same person is signed in, the ``sid`` stays
        and the cookie changes; if it is another person, that sign-in ends.
    """
    now = fresh.auth_time
    before = sign_ins.by_cookie_hash(connection, replaced) if replaced is not None else None
    same = before is not None and before.person_id == fresh.person_id
    if before is not None and same:
        fresh = replace(fresh, sid=before.sid, created_at=before.created_at)
        sign_ins.renew(connection, fresh, cookie_hash)
    else:
        if before is not None:
            end_sign_in(connection, before.sid, now, policy, reason="sign_in_replaced")
        sign_ins.insert(connection, fresh, cookie_hash)
    events.record(connection, Event(now, "sign_in", fresh.person_id, sid=fresh.sid))
    return fresh


def touch(connection: Connection, sid: str, now: float, policy: SessionPolicy) -> None:
    """Note that somebody is here, unless that was noted a moment ago: the idle end moves."""
    sign_ins.touch(
        connection, sid, now=now, idle_end=now + policy.sign_in_idle, seen_before=now - TOUCH_EVERY
    )
