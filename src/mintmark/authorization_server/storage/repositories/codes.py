"""Authorization codes: single use, decided by one conditional update."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec.structs import asdict

from mintmark.authorization_server.storage.records import CodeRecord
from mintmark.authorization_server.storage.schema import codes
from mintmark.authorization_server.storage.statements import Statement

__all__ = ["by_hash", "insert", "remove_of_client", "use"]

_COLUMNS = tuple(codes.c[name] for name in CodeRecord.__struct_fields__)
_INSERT = Statement(sa.insert(codes))
_BY_HASH = Statement(sa.select(*_COLUMNS).where(codes.c.code_hash == sa.bindparam("key")))
_USE = Statement(
    sa.update(codes)
    .where(codes.c.code_hash == sa.bindparam("key"), codes.c.used_at.is_(None))
    .values(used_at=sa.bindparam("now"), grant_id=sa.bindparam("grant"))
)


def insert(connection: sa.Connection, code: CodeRecord, *, kept_until: float) -> None:
    _INSERT.run(connection, {**asdict(code), "kept_until": kept_until})


def by_hash(connection: sa.Connection, code_hash: bytes) -> CodeRecord | None:
    row = _BY_HASH.first(connection, {"key": code_hash})
    return None if row is None else CodeRecord(*row)


def use(connection: sa.Connection, code_hash: bytes, *, now: float, grant_id: str) -> bool:
    """Use the code up; True for exactly one caller."""
    return _USE.run(connection, {"key": code_hash, "now": now, "grant": grant_id}) == 1


def remove_of_client(connection: sa.Connection, client_id: str) -> None:
    """Forget what a client could still redeem."""
    connection.execute(sa.delete(codes).where(codes.c.client_id == client_id, codes.c.used_at.is_(None)))
