"""How things end: one transaction marks the grants, denies what they gave, and leaves a trace.

What they gave is denied twice: in the deny log for our own verifiers, and in the status lists for others.
"""

from __future__ import annotations

from collections.abc import Sequence

from mintmark.authorization_server.sessions.outcomes import SessionPolicy
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import DenyEntry, DenyKind, Event, Grant
from mintmark.authorization_server.storage.repositories import (
    codes,
    deny_entries,
    events,
    grants,
    notices,
    sign_ins,
    status_lists,
)
from mintmark.jwt.policy import MAX_LEEWAY

__all__ = ["end_client", "end_grant", "end_person", "end_sign_in", "end_status_index"]

_HEARD_WITHIN = (
    2.0  # seconds after which every process knows that a client is gone, and gives it nothing more
)


def _deny_until(now: float, policy: SessionPolicy) -> float:
    """When the last access token that exists now has expired everywhere."""
    return now + policy.access_token_lifetime + policy.skew


def _end(
    connection: Connection, ended: Sequence[Grant], now: float, policy: SessionPolicy, *, reason: str
) -> float:
    """Mark grants ended, also in the status lists; return how long their access tokens must be denied."""
    until = _deny_until(now, policy)
    grants.end(connection, ended, now=now, reason=reason, kept_until=until)
    places = [grant.status_index for grant in ended if grant.status_index is not None]
    status_lists.mark_invalid(connection, places, expires_at=until + MAX_LEEWAY)
    return until


def end_status_index(
    connection: Connection, index: int, now: float, policy: SessionPolicy, *, grant_id: str | None
) -> None:
    """Mark one place INVALID because a token there was taken back; its grant goes on with another place."""
    expires_at = _deny_until(now, policy) + MAX_LEEWAY
    status_lists.mark_invalid(connection, [index], expires_at=expires_at)
    if grant_id is not None:
        grants.drop_status_index(connection, grant_id, index)


def end_grant(
    connection: Connection,
    grant: Grant,
    now: float,
    policy: SessionPolicy,
    *,
    reason: str,
    tell: bool = False,
) -> None:
    """End one grant and deny its access tokens by ``grant_id``.

    :param tell: leave a notice for the person's next sign-in page.
    """
    until = _end(connection, [grant], now, policy, reason=reason)
    deny_entries.append(connection, [DenyEntry(DenyKind.GRANT_ID, grant.grant_id, iat=now, exp=until)])
    about = Event(now, reason, grant.person_id, grant.client_id, grant.sid, grant.grant_id)
    events.record(connection, about)
    if tell:
        notices.add(connection, person_id=grant.person_id, kind=reason, at=now, client_id=grant.client_id)


def end_sign_in(
    connection: Connection, sid: str, now: float, policy: SessionPolicy, *, reason: str
) -> tuple[Grant, ...]:
    """End a sign-in and the grants within it; those with ``offline_access`` go on (OpenID Connect Core 11).

    Returns the grants that ended. An unknown ``sid`` changes nothing, so that nobody can fill the deny log.
    """
    sign_in = sign_ins.by_sid(connection, sid)
    within = [grant for grant in grants.live(connection, sid=sid) if not grant.offline]
    if sign_in is None and not within:
        return ()
    until = _end(connection, within, now, policy, reason=reason)
    sign_ins.remove(connection, sid)  # after the grants, as a refresh locks them
    deny_entries.append(connection, [DenyEntry(DenyKind.SID, sid, iat=now, exp=until)])
    person_id = sign_in.person_id if sign_in is not None else within[0].person_id
    events.record(connection, Event(now, reason, person_id, sid=sid, details={"grants": len(within)}))
    return tuple(within)


def end_person(
    connection: Connection,
    person_id: str,
    now: float,
    policy: SessionPolicy,
    *,
    reason: str,
    except_sid: str | None = None,
) -> tuple[Grant, ...]:
    """End all sign-ins and all grants of a person, ``offline_access`` included, but for one sign-in.

    Returns the grants that ended.
    """
    ended = [
        grant
        for grant in grants.live(connection, person_id=person_id)
        if except_sid is None or grant.sid != except_sid
    ]
    until = _end(connection, ended, now, policy, reason=reason)
    sign_ins.remove_of_person(connection, person_id, except_sid=except_sid)
    deny_entries.append(connection, _denials(person_id, ended, now, until, sparing=except_sid is not None))
    events.record(connection, Event(now, reason, person_id, details={"grants": len(ended)}))
    return tuple(ended)


def _denials(
    person_id: str, ended: Sequence[Grant], now: float, until: float, *, sparing: bool
) -> list[DenyEntry]:
    """One entry for each grant, and one for the person unless the tokens of a spared sign-in must go on.

    The person's alone would miss the token of a refresh that is under way: it will say a later ``iat``.
    """
    of_grants = [DenyEntry(DenyKind.GRANT_ID, grant.grant_id, iat=now, exp=until) for grant in ended]
    if sparing:
        return of_grants
    return [DenyEntry(DenyKind.SUB, person_id, iat=now, exp=until, before=now), *of_grants]


def end_client(
    connection: Connection, client_id: str, now: float, policy: SessionPolicy, *, reason: str
) -> int:
    """End everything that a client holds: its codes, its grants, and every token that was made for it.

    Processes that have not heard yet may make tokens for a moment more; those are denied as well. Returns how
    many grants ended.
    """
    codes.remove_of_client(connection, client_id)
    ended = grants.live(connection, client_id=client_id)
    until = _end(connection, ended, now, policy, reason=reason)
    last = now + _HEARD_WITHIN
    entry = DenyEntry(DenyKind.CLIENT_ID, client_id, iat=now, exp=until + _HEARD_WITHIN, before=last)
    deny_entries.append(connection, [entry])
    events.record(connection, Event(now, reason, client_id=client_id, details={"grants": len(ended)}))
    return len(ended)
