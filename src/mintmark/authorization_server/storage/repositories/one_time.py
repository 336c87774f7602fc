"""Things that may be used once: identifiers of assertions and proofs, links (RFC 7523 3, RFC 9449 11.1)."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from mintmark.authorization_server.storage.statements import Statement

__all__ = ["use"]

_USE = Statement(
    sa.text(  # this form is both SQLite's and PostgreSQL's
        "INSERT INTO one_time (kind, value_hash, expires_at) VALUES (:kind, :value_hash, :expires_at) "
        "ON CONFLICT DO NOTHING"
    )
)


def use(connection: sa.Connection, kind: str, value: str, *, expires_at: float) -> bool:
    """Use ``value`` up; True for exactly one caller until ``expires_at`` has passed.

    :param kind: what sort of thing (``"assertion"``, ``"dpop"``).
    :param value: the thing, with whatever it is unique within.
    """
    digest = hashlib.sha256(value.encode()).digest()
    row = {"kind": kind, "value_hash": digest, "expires_at": expires_at}
    return _USE.run(connection, row) == 1
