"""Write what the timeline decided: every step is conditional on the state that it was decided from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from mintmark.authorization_server.keys.timeline import (
    Action,
    Create,
    KeyPolicy,
    Promote,
    Remove,
    Retire,
    Stretch,
    gone_at,
)
from mintmark.authorization_server.storage import Connection
from mintmark.authorization_server.storage.records import Event, KeyRecord, KeyState
from mintmark.authorization_server.storage.repositories import events
from mintmark.authorization_server.storage.repositories import signing_keys as rows
from mintmark.jose.jwk import Key

__all__ = ["Candidates", "apply"]

Candidates: TypeAlias = Mapping[str, tuple[Key, str]]  # alg -> a new key and its sealed private half


def apply(
    connection: Connection,
    actions: Iterable[Action],
    candidates: Candidates,
    now: float,
    policy: KeyPolicy,
) -> tuple[str, ...]:
    """Do the actions in one transaction; return a line for each that was done.

    A key that would have to be made but has no candidate is left to the next tick.
    """
    done = []
    for action in actions:
        line = _apply(connection, action, candidates, now, policy)
        if line is not None:
            done.append(line)
    return tuple(done)


def _apply(
    connection: Connection, action: Action, candidates: Candidates, now: float, policy: KeyPolicy
) -> str | None:
    match action:
        case Create(alg, state, activates_at):
            if alg not in candidates:
                return None
            key, sealed = candidates[alg]
            rows.insert(connection, _new_record(key, state, activates_at, now, policy), sealed)
            return _note(connection, f"key_{state}", key.kid, now)
        case Promote(kid, _):
            values = {
                "state": KeyState.CURRENT,
                "signing_since": now,
                "token_lifetime": policy.token_lifetime,
            }
            if rows.change(connection, kid, seen=KeyState.NEXT, values=values):
                return _note(connection, "key_current", kid, now)
        case Retire(kid):
            current = {record.kid: record for record, _ in rows.every(connection)}[kid]
            values = {"state": KeyState.PREVIOUS, "retired_at": now, "gone_at": gone_at(current, now, policy)}
            if rows.change(connection, kid, seen=KeyState.CURRENT, values=values):
                return _note(connection, "key_retired", kid, now)
        case Remove(kid, seen):
            if rows.remove(connection, kid, seen=seen):
                return _note(connection, "key_gone", kid, now)
        case Stretch(kid, lifetime):
            rows.change(connection, kid, seen=KeyState.CURRENT, values={"token_lifetime": lifetime})
    return None


def _new_record(key: Key, state: KeyState, activates_at: float, now: float, policy: KeyPolicy) -> KeyRecord:
    return KeyRecord(
        kid=key.kid,
        alg=key.alg,
        state=state,
        public_jwk=key.to_jwk(),
        created_at=now,
        activates_at=activates_at,
        signing_since=now if state is KeyState.CURRENT else None,
        retired_at=None,
        gone_at=None,
        token_lifetime=policy.token_lifetime,
    )


def _note(connection: Connection, kind: str, kid: str, now: float) -> str:
    events.record(connection, Event(now, kind, details={"kid": kid}))
    return f"{kind} {kid}"
