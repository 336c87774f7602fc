"""A database that has been used for years: a million rows, written by SQL."""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.authorization_server.storage import Database

__all__ = ["seed_rows"]

_NUMBERS = {
    "sqlite": """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) SELECT i FROM n
    """,
    "postgresql": "SELECT generate_series(1, :count) AS i",
}
_DIGEST = {"sqlite": "randomblob(32)", "postgresql": "sha256(i::text::bytea)"}
_SIGN_INS = """
    INSERT INTO sign_ins (sid, cookie_hash, person_id, auth_time, amr,
                          created_at, last_seen, expires_at, absolute_end)
    SELECT 'sid-' || i, {digest}, :person, :now, '["pwd"]', :now, :now, :now + 1000000, :now + 7000000
    FROM ({numbers}) AS n
"""
_GRANTS = """
    INSERT INTO grants (grant_id, client_id, person_id, sid, scope, resources, offline, refreshable,
                        auth_time, amr, generation, created_at, idle_end, absolute_end, expires_at)
    SELECT 'grant-' || i, 'app', :person, 'sid-' || i, '["openid"]', '["https://orders.example.com"]',
           {false}, {true}, :now, '["pwd"]', 1, :now, :now + 1000000, :now + 7000000, :now + 1000000
    FROM ({numbers}) AS n
"""


def seed_rows(url: str, username: str, now: float, *, rows: int) -> None:
    """Add half as many sign-ins, and a grant within each."""
    database = Database.open(url)
    try:
        database.write_now(lambda connection: _seed(connection, username, now, rows // 2))
    finally:
        database.close_now()


def _seed(connection: sa.Connection, username: str, now: float, count: int) -> None:
    kind = connection.dialect.name
    named = sa.text("SELECT person_id FROM people WHERE username = :username")
    person = connection.execute(named, {"username": username}).scalar_one()
    words = {
        "numbers": _NUMBERS[kind],
        "digest": _DIGEST[kind],
        "true": "1" if kind == "sqlite" else "true",
        "false": "0" if kind == "sqlite" else "false",
    }
    for statement in (_SIGN_INS, _GRANTS):
        connection.execute(sa.text(statement.format(**words)), {"count": count, "person": person, "now": now})
