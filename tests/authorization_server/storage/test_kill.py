"""SIGKILL at random moments under load: the file stays whole, and every acknowledged write is there.

``MINTMARK_KILL_ROUNDS`` says how often (``make soak``: 200). A few rounds share one file: each goes on with
what the last one left behind.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from .acknowledged import Acknowledged

ROUNDS = int(os.environ.get("MINTMARK_KILL_ROUNDS", "20"))
ROUNDS_OF_A_FILE = 5
TESTS = Path(__file__).parents[2]
BUSY = Path(__file__).with_name("busy_process.py")


def run_and_kill(path: Path, *mistakes: str, after_lines: int, pause: float = 0.0) -> list[str]:
    """Start the busy process, kill it once it has said so much, and return every whole line that it said."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, str(BUSY), f"sqlite:///{path}", *mistakes]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout is not None
    with process, process.stdout as output:
        said = b""
        while said.count(b"\n") < after_lines:
            block = output.read(65536)
            assert block, "the busy process ended by itself"
            said += block
        time.sleep(pause)  # whatever it is at by then: a random moment
        process.kill()
        said += output.read()
    return said.decode().rpartition("\n")[0].splitlines()


@pytest.mark.parametrize("file_number", range(-(-ROUNDS // ROUNDS_OF_A_FILE)))
def test_every_acknowledged_write_survives_a_kill(tmp_path: Path, file_number: int) -> None:
    path = tmp_path / "mintmark.db"
    chance = random.Random(file_number)
    acknowledged = Acknowledged()
    for _ in range(min(ROUNDS_OF_A_FILE, ROUNDS - file_number * ROUNDS_OF_A_FILE)):
        lines = run_and_kill(path, after_lines=chance.randrange(1, 600), pause=chance.uniform(0.0, 0.02))
        acknowledged.hear(lines)
        assert acknowledged.missing_from(path) == []
    assert acknowledged.signed_in


def test_the_kill_test_sees_answers_that_leave_before_their_commit(tmp_path: Path) -> None:
    acknowledged = Acknowledged()
    acknowledged.hear(run_and_kill(tmp_path / "x.db", "early", after_lines=1))
    assert "a sign-in that was acknowledged is missing" in acknowledged.missing_from(tmp_path / "x.db")


def test_the_kill_test_sees_a_log_that_was_never_synced(tmp_path: Path) -> None:
    """What ``synchronous=OFF`` leaves behind when the power goes: the end of the log is not there."""
    acknowledged = Acknowledged()
    acknowledged.hear(run_and_kill(tmp_path / "x.db", after_lines=200))
    log = tmp_path / "x.db-wal"
    os.truncate(log, log.stat().st_size // 2)
    found = acknowledged.missing_from(tmp_path / "x.db")
    assert "a sign-in that was acknowledged is missing" in found
    assert "the integrity check fails" not in found


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Acknowledged]:
    """A file with every promise kept, and what was promised."""
    path = tmp_path_factory.mktemp("kept") / "x.db"
    acknowledged = Acknowledged()
    acknowledged.hear(run_and_kill(path, after_lines=300))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert acknowledged.missing_from(path) == []
    return path.read_bytes(), acknowledged


LOSSES = {
    "a sign-in that was acknowledged is missing": "DELETE FROM sign_ins",
    "a sign-out that was acknowledged is not in the deny log": "DELETE FROM deny_log WHERE kind = 'sid'",
    "a grant that was acknowledged is missing": "DELETE FROM grants",
    "a rotation that was acknowledged is missing": "UPDATE grants SET generation = 1",
    "a revocation that was acknowledged is not in the deny log": "DELETE FROM deny_log",
    "a grant that was revoked is alive again": "UPDATE grants SET ended_at = NULL",
    "somebody who was signed out is signed in again": (
        "UPDATE sign_ins SET sid = (SELECT value FROM deny_log WHERE kind = 'sid' LIMIT 1) "
        "WHERE sid = (SELECT sid FROM sign_ins LIMIT 1)"
    ),
}


@pytest.mark.parametrize("complaint", LOSSES)
def test_the_kill_test_sees_what_is_lost(
    tmp_path: Path, one_file: tuple[bytes, Acknowledged], complaint: str
) -> None:
    path = tmp_path / "x.db"
    content, acknowledged = one_file
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(LOSSES[complaint]).rowcount > 0
    assert complaint in acknowledged.missing_from(path)
