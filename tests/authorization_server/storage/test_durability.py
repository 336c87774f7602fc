"""Acknowledged means on disk, watched from outside: no answer leaves before the sync of its commit.

A process writes one thing after the other and says each time that it is done; strace sees its system calls.
Between two things said, the log must have been written, and synced after the last write to it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRACE = shutil.which("strace")
ROUNDS = 20
CALL = re.compile(r"\b(?P<name>pwrite64|write|fdatasync|fsync)\((?P<file>\d+<[^>]*>)(?P<rest>.*)")
RESUMED = re.compile(r"^\d+\s+<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")


def can_trace() -> bool:
    if STRACE is None:
        return False
    tried = subprocess.run([STRACE, "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


needs_strace = pytest.mark.skipif(not can_trace(), reason="strace is not there or may not trace")


def traced(tmp_path: Path, *, synchronous: str) -> list[str]:
    """What the process did, in order: ``log`` (wrote to it), ``sync`` (of it, when it returned), ``done``."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    subprocess.run([sys.executable, "-c", _program(synchronous, rounds=0), url], check=True, timeout=60)
    trace = tmp_path / "trace"
    command = [
        str(STRACE), "-f", "-y", "-s", "16", "-o", str(trace), "-e", "trace=pwrite64,write,fdatasync,fsync",
        sys.executable, "-c", _program(synchronous, rounds=ROUNDS), url,
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    found, waiting = [], {}
    for line in trace.read_text(errors="replace").splitlines():
        pid = line.split(maxsplit=1)[0]
        call, resumed = CALL.search(line), RESUMED.match(line)
        if resumed is not None and pid in waiting:
            kind = waiting.pop(pid)
        elif call is not None:
            kind = _kind(call["name"], call["file"], call["rest"])
            if "<unfinished" in line and kind == "sync":
                waiting[pid] = kind  # it counts when it returns
                continue
        else:
            continue
        if kind:
            found.append(kind)
    return found


def _program(synchronous: str, *, rounds: int) -> str:
    return f"""
import os, sys
from mintmark.authorization_server.storage import Database, sqlite
from mintmark.authorization_server.storage.repositories import secrets

sqlite.WRITER_PRAGMAS = tuple(
    pragma if not pragma.startswith("synchronous") else "synchronous={synchronous}"
    for pragma in sqlite.WRITER_PRAGMAS
)
db = Database.open(sys.argv[1])
for number in range({rounds}):
    db.write_now(lambda c: secrets.insert(c, str(number), "sealed", 1.0))
    os.write(1, b"done\\n")
db.close_now()
"""


def _kind(name: str, file: str, rest: str) -> str | None:
    if name in ("fdatasync", "fsync"):
        return "sync" if file.endswith("-wal>") else None
    if file.endswith("-wal>"):
        return "log"
    return "done" if name == "write" and file.startswith("1<") and '"done' in rest else None


def acknowledged_early(calls: list[str]) -> int:
    """How many answers left although the log had been written to and not been synced since, or not at all."""
    early, written, synced = 0, False, False
    for call in calls:
        match call:
            case "log":
                written, synced = True, False
            case "sync":
                synced = True
            case "done":
                early += not (written and synced)
                written, synced = False, False
    return early


@needs_strace
def test_no_acknowledgement_leaves_before_the_sync_of_its_commit(tmp_path: Path) -> None:
    calls = traced(tmp_path, synchronous="FULL")
    assert calls.count("done") == ROUNDS
    assert acknowledged_early(calls) == 0


@needs_strace
@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_test_sees_it_when_acknowledgements_leave_early(tmp_path: Path, synchronous: str) -> None:
    calls = traced(tmp_path, synchronous=synchronous)
    assert calls.count("done") == ROUNDS
    assert acknowledged_early(calls) == ROUNDS
