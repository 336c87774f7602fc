"""What a process did to the disk and to whoever listens, in order, as strace sees it from outside."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

STRACE = shutil.which("strace")
CALLS = "pwrite64,fdatasync,fsync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"

_BEGUN = re.compile(r"^(?P<pid>\d+)\s+(?P<name>\w+)\((?P<file>\d+<[^>]*>)(?P<rest>.*)")
_RESUMED = re.compile(r"^(?P<pid>\d+)\s+<\.\.\. \w+ resumed>")
_REQUEST = re.compile(r'"((?:GET|POST) /\S* HTTP/1\.1)')

# At the front of a program: exchanges what SQLite is told.
EXCHANGE = """
from mintmark.authorization_server.storage import sqlite
sqlite.DURABLE = "synchronous={synchronous}"
"""


def _can_trace() -> bool:
    if STRACE is None:
        return False
    tried = subprocess.run([STRACE, "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


needs_strace = pytest.mark.skipif(not _can_trace(), reason="strace is not there or may not trace")


def traced(trace: Path, program: str, *arguments: str) -> list[str]:
    """The command that runs a program under strace."""
    return [
        *(str(STRACE), "-f", "-y", "-s", "8192", "-o", str(trace), "-e", f"trace={CALLS}"),
        *(sys.executable, "-c", program, *arguments),
    ]


@dataclass(frozen=True)
class Call:
    """``log``: the write-ahead log was written to. ``sync``: it is on disk. ``asked``: a request came in.
    ``said``: somebody was told.
    """

    kind: str
    text: str = ""


def calls_of(trace: Path) -> Iterator[Call]:
    """A sync and a request count when the call returns, everything else when it begins."""
    syncing: set[str] = set()
    for line in trace.read_text(errors="replace").splitlines():
        begun, resumed = _BEGUN.match(line), _RESUMED.match(line)
        if request := _REQUEST.search(line):
            yield Call("asked", request[1])
        elif resumed is not None and resumed["pid"] in syncing:
            syncing.remove(resumed["pid"])
            yield Call("sync")
        elif begun is not None and begun["name"] in ("fdatasync", "fsync"):
            if begun["file"].endswith("-wal>") and "<unfinished" in line:
                syncing.add(begun["pid"])
            elif begun["file"].endswith("-wal>"):
                yield Call("sync")
        elif begun is not None and begun["name"] == "pwrite64":
            if begun["file"].endswith("-wal>"):
                yield Call("log", begun["rest"])
        elif begun is not None and (begun["file"].startswith("1<") or "<socket:" in begun["file"]):
            yield Call("said", begun["rest"])
