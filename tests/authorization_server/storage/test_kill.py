"""SIGKILL at random moments under load: the file stays whole, and every acknowledged write is there.

``MINTMARK_KILL_ROUNDS`` says how often; each round goes on with the database that the last one left behind.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

ROUNDS = int(os.environ.get("MINTMARK_KILL_ROUNDS", "5"))
TESTS = Path(__file__).parents[2]
BUSY = Path(__file__).with_name("busy_process.py")


def run_and_kill(url: str, after_lines: int) -> list[str]:
    """Start the busy process, kill it once it has said so much, and return every whole line that it said."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    process = subprocess.Popen(
        [sys.executable, str(BUSY), url], env=environment, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        said = b""
        while said.count(b"\n") < after_lines:
            block = output.read(65536)
            assert block, "the busy process ended by itself"
            said += block
        process.kill()
        said += output.read()
    return said.decode().rpartition("\n")[0].splitlines()


def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "mintmark.db"
    chance = random.Random(20261123)
    signed_in: set[str] = set()
    signed_out: set[str] = set()
    rotated: dict[str, int] = {}
    for round_number in range(ROUNDS):
        url = f"sqlite:///{tmp_path / f'mintmark-{round_number // 5}.db'}"
        path = Path(url.removeprefix("sqlite:///"))
        if round_number % 5 == 0:
            signed_in, signed_out, rotated = set(), set(), {}
        for line in run_and_kill(url, chance.randrange(1, 1500)):
            what, name, *rest = line.split()
            if what == "rotated":
                rotated[name] = max(rotated.get(name, 0), int(rest[0]))
            else:
                (signed_in if what == "signed_in" else signed_out).add(name)
        check(path, signed_in, signed_out, rotated)


def check(path: Path, signed_in: set[str], signed_out: set[str], rotated: dict[str, int]) -> None:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        there = {sid for (sid,) in connection.execute("SELECT sid FROM sign_ins")}
        denied = {sid for (sid,) in connection.execute("SELECT value FROM deny_log WHERE kind = 'sid'")}
        stand = dict(connection.execute("SELECT grant_id, generation FROM grants").fetchall())
    finally:
        connection.close()
    assert signed_in - denied <= there, "a sign-in that was acknowledged is missing"
    assert signed_out <= denied, "a sign-out that was acknowledged is missing"
    assert not signed_out & there, "somebody who was signed out is signed in again"
    behind = {name for name, generation in rotated.items() if stand.get(name, 0) < generation}
    assert not behind, "a rotation that was acknowledged is missing"
