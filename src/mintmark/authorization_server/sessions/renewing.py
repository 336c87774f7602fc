"""Renew a grant: one transaction looks, decides by the rules of :mod:`.refresh`, and writes."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from mintmark.authorization_server.sessions.ending import end_grant
from mintmark.authorization_server.sessions.outcomes import RefusalReason, Refused, SessionPolicy
from mintmark.authorization_server.sessions.refresh import (
    Decision,
    Ended,
    Expired,
    Keep,
    RefreshPolicy,
    Reuse,
    Rotate,
    Unknown,
    decide,
)
from mintmark.authorization_server.sessions.signing_in import touch
from mintmark.authorization_server.sessions.tokens import Presented
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import Grant, Person
from mintmark.authorization_server.storage.repositories import grants

__all__ = ["ENDING", "Renewal", "renew"]

ENDING = frozenset({RefusalReason.REUSE, RefusalReason.PERSON_DISABLED})  # refusals that denied something

_REFUSED = {
    Unknown: RefusalReason.UNKNOWN,
    Ended: RefusalReason.ENDED,
    Expired: RefusalReason.EXPIRED,
    Reuse: RefusalReason.REUSE,
}


class Renewal(Struct, frozen=True):
    """The grant as it stands now, and what this answer is for."""

    grant: Grant
    person: Person
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    rotated: bool


def renew(
    connection: Connection,
    presented: Presented,
    now: float,
    policy: RefreshPolicy,
    sessions: SessionPolicy,
    *,
    scope: Collection[str] | None,
    resources: Collection[str] | None,
) -> Renewal | Refused:
    """Follow the decision over a genuine token. What is refused for its scope or resource changes nothing."""
    found = grants.with_person(connection, presented.grant_id)
    grant, person = found if found is not None else (None, None)
    decision = decide(grant, presented.generation, now, policy)
    refused = _REFUSED.get(type(decision))
    if grant is None or person is None or refused is not None:
        if grant is not None and isinstance(decision, Reuse):
            end_grant(connection, grant, now, sessions, reason="refresh_reuse", tell=True)
        return Refused(refused or RefusalReason.UNKNOWN, grant)
    if person.disabled_at is not None:
        end_grant(connection, grant, now, sessions, reason="person_disabled")
        return Refused(RefusalReason.PERSON_DISABLED, grant)
    if scope is not None and not set(scope) <= set(grant.scope):
        return Refused(RefusalReason.SCOPE_TOO_WIDE, grant)
    if resources is not None and not set(resources) <= set(grant.resources):
        return Refused(RefusalReason.RESOURCE_TOO_WIDE, grant)
    return Renewal(
        grant=_write(connection, grant, decision, now, sessions),
        person=person,
        scope=grant.scope if scope is None else tuple(name for name in grant.scope if name in scope),
        resources=grant.resources if resources is None else tuple(resources),
        rotated=isinstance(decision, Rotate),
    )


def _write(
    connection: Connection, before: Grant, decision: Decision, now: float, sessions: SessionPolicy
) -> Grant:
    match decision:
        case Rotate(after) | Keep(Grant() as after):
            grants.rotate(connection, before, after)
            if before.token_sid is not None:
                touch(connection, before.token_sid, now, sessions)
            return after
        case _:
            return before
