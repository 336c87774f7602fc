"""Redeem a code: one transaction checks everything, then uses the code up and makes the grant."""

from __future__ import annotations

from mintmark.authorization_server.sessions.ending import end_grant
from mintmark.authorization_server.sessions.outcomes import RefusalReason, Refused, SessionPolicy
from mintmark.authorization_server.sessions.refresh import RefreshPolicy
from mintmark.authorization_server.sessions.tokens import new_id, verifier_fits
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import CodeRecord, Event, Grant
from mintmark.authorization_server.storage.repositories import codes, events, grants, people, sign_ins

__all__ = ["CODE_REMEMBERED", "check", "redeem"]

CODE_REMEMBERED = 3600.0  # seconds that a used code's replay is recognised after its end


def check(
    code: CodeRecord | None, *, client_id: str, redirect_uri: str | None, verifier: str, now: float
) -> RefusalReason | None:
    """Say why the code is refused, or None. Replays are recognised only by whoever has the right verifier.

    RFC 6749 4.1.3, RFC 7636 4.6; OAuth 2.1 no longer asks for ``redirect_uri``, but if sent it must be the
    same.
    """
    if code is None:
        return RefusalReason.UNKNOWN
    if code.client_id != client_id:
        return RefusalReason.WRONG_CLIENT
    if redirect_uri is not None and redirect_uri != code.redirect_uri:
        return RefusalReason.REDIRECT_URI_MISMATCH
    if not verifier_fits(verifier, code.code_challenge):
        return RefusalReason.VERIFIER_MISMATCH
    if code.used_at is not None:
        return RefusalReason.CODE_REPLAYED
    if now >= code.expires_at:
        return RefusalReason.CODE_EXPIRED
    return None


def redeem(
    connection: Connection,
    code_hash: bytes,
    *,
    client_id: str,
    redirect_uri: str | None,
    verifier: str,
    now: float,
    policy: SessionPolicy,
    refresh: RefreshPolicy | None,
) -> Grant | Refused:
    """Return the new grant. A replay ends the grant which that code gave (RFC 6749 4.1.2, RFC 9700 4.2.4)."""
    code = codes.by_hash(connection, code_hash)
    reason = check(code, client_id=client_id, redirect_uri=redirect_uri, verifier=verifier, now=now)
    if code is None or reason not in (None, RefusalReason.CODE_REPLAYED):
        return Refused(reason or RefusalReason.UNKNOWN)
    if reason is None:
        person = people.by_id(connection, code.person_id)
        if person is None or person.disabled_at is not None:
            return Refused(RefusalReason.PERSON_DISABLED)
        if sign_ins.by_sid(connection, code.sid) is None:
            return Refused(RefusalReason.SIGNED_OUT)
        grant = _grant(code, now, policy, refresh)
        if codes.use(connection, code_hash, now=now, grant_id=grant.grant_id):
            grants.insert(connection, grant)
            events.record(
                connection,
                Event(now, "grant", grant.person_id, grant.client_id, grant.sid, grant.grant_id),
            )
            return grant
        code = codes.by_hash(connection, code_hash)  # somebody used it between our two looks
    return _replayed(connection, code, now, policy)


def _replayed(connection: Connection, code: CodeRecord | None, now: float, policy: SessionPolicy) -> Refused:
    given = grants.by_id(connection, code.grant_id) if code is not None and code.grant_id else None
    if given is not None and given.ended_at is None:
        end_grant(connection, given, now, policy, reason="code_replay", tell=True)
    return Refused(RefusalReason.CODE_REPLAYED, given)


def _grant(code: CodeRecord, now: float, policy: SessionPolicy, refresh: RefreshPolicy | None) -> Grant:
    """Without a refresh grant the row lives as long as its access token: for sign-out and introspection."""
    idle = refresh.idle if refresh is not None else policy.access_token_lifetime + policy.skew
    absolute = refresh.absolute if refresh is not None else idle
    return Grant(
        grant_id=new_id(),
        client_id=code.client_id,
        person_id=code.person_id,
        sid=code.sid,
        scope=code.scope,
        resources=code.resources,
        offline="offline_access" in code.scope,
        refreshable=refresh is not None,
        auth_time=code.auth_time,
        acr=code.acr,
        amr=code.amr,
        nonce=code.nonce,
        generation=1,
        rotated_at=None,
        created_at=now,
        idle_end=min(now + idle, now + absolute),
        absolute_end=now + absolute,
    )
