"""What a service said was done, and what of it is missing from the file that it left behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Acknowledged:
    """Every line of the busy process, summed up."""

    signed_in: set[str] = field(default_factory=set)
    signed_out: set[str] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    rotated: dict[str, int] = field(default_factory=dict)  # grant_id -> its newest generation

    def hear(self, lines: Iterable[str]) -> None:
        for line in lines:
            what, name, *rest = line.split()
            if what == "rotated":
                self.rotated[name] = max(self.rotated.get(name, 0), int(rest[0]))
            else:
                getattr(self, what).add(name)

    def missing_from(self, path: Path) -> list[str]:
        """Say what is wrong with the file; nothing, if it keeps every promise."""
        with closing(sqlite3.connect(path)) as connection:
            return [*_damage(connection), *self._broken_promises(connection)]

    def _broken_promises(self, connection: sqlite3.Connection) -> Iterator[str]:
        there = {sid for (sid,) in connection.execute("SELECT sid FROM sign_ins")}
        denied = set(connection.execute("SELECT kind, value FROM deny_log"))
        out = {sid for kind, sid in denied if kind == "sid"}
        rows = connection.execute("SELECT grant_id, generation, ended_at FROM grants").fetchall()
        generations = {grant_id: generation for grant_id, generation, _ in rows}
        live = {grant_id for grant_id, _, ended_at in rows if ended_at is None}
        if self.signed_in - out - there:
            yield "a sign-in that was acknowledged is missing"
        if self.signed_out - out:
            yield "a sign-out that was acknowledged is not in the deny log"
        if self.signed_out & there:
            yield "somebody who was signed out is signed in again"
        if self.granted - generations.keys():
            yield "a grant that was acknowledged is missing"
        if any(generations.get(grant_id, 0) < newest for grant_id, newest in self.rotated.items()):
            yield "a rotation that was acknowledged is missing"
        if {("grant_id", grant_id) for grant_id in self.revoked} - denied:
            yield "a revocation that was acknowledged is not in the deny log"
        if self.revoked & live:
            yield "a grant that was revoked is alive again"


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        yield "the integrity check fails"
    if connection.execute("PRAGMA foreign_key_check").fetchall():
        yield "a row points nowhere"
