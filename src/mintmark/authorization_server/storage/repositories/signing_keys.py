"""Signing keys. A state changes only from the state that the caller saw: of several processes, one wins."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import KeyRecord, KeyState
from mintmark.authorization_server.storage.schema import signing_keys
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["change", "every", "insert", "remove", "reseal"]

_COLUMNS = tuple(signing_keys.c[name] for name in KeyRecord.__struct_fields__)
_EVERY = Statement(
    sa.select(*_COLUMNS, signing_keys.c.sealed).order_by(
        signing_keys.c.alg, signing_keys.c.created_at, signing_keys.c.kid
    )
)


def every(connection: sa.Connection) -> tuple[tuple[KeyRecord, str | None], ...]:
    """All keys with their sealed private halves (None once destroyed)."""
    return tuple(
        (KeyRecord(kid, alg, KeyState(state), *rest), sealed)
        for kid, alg, state, *rest, sealed in _EVERY.every(connection, {})
    )


def insert(connection: sa.Connection, record: KeyRecord, sealed: str) -> None:
    """:raises Conflict: the algorithm already has a key in that state."""
    connection.execute(sa.insert(signing_keys), {**asdict(record), "sealed": sealed})


def change(connection: sa.Connection, kid: str, *, seen: KeyState, values: dict[str, Any]) -> bool:
    """Set columns if the key is still in the state that was seen. Leaving NEXT or CURRENT for an end destroys
    the private half.
    """
    if values.get("state") in (KeyState.PREVIOUS, KeyState.REVOKED):
        values = {**values, "sealed": None}
    changed = connection.execute(
        sa.update(signing_keys)
        .where(signing_keys.c.kid == kid, signing_keys.c.state == seen)
        .values(**values)
    )
    return changed.rowcount == 1


def reseal(connection: sa.Connection, kid: str, sealed: str) -> None:
    """Put the same private half under another key-encryption key."""
    connection.execute(
        sa.update(signing_keys)
        .where(signing_keys.c.kid == kid, signing_keys.c.sealed.is_not(None))
        .values(sealed=sealed)
    )


def remove(connection: sa.Connection, kid: str, *, seen: KeyState) -> bool:
    """Remove the record if it is still in the state that was seen."""
    gone = connection.execute(
        sa.delete(signing_keys).where(signing_keys.c.kid == kid, signing_keys.c.state == seen)
    )
    return gone.rowcount == 1
