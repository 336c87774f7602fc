"""Acknowledged means on disk, watched from outside: no answer leaves before the sync of its commit.

strace sees the system calls of a process that writes, and of ``mintmark serve`` that answers. Before each
thing said, the log must have been written to for it, and synced after that.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ports import free_ports

from ..running import Browser, Running, settings_data, toml_of
from .tracing import EXCHANGE, Call, calls_of, needs_strace, traced

pytestmark = needs_strace

LANES, WRITES = 8, 6
MANY_AT_ONCE = """
import asyncio, os, sys
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import secrets

async def lane(db, lane):
    for number in range({writes}):
        name = f"<unit {{lane}} {{number}}>"
        await db.write(lambda c: secrets.insert(c, name, "sealed", 1.0))
        os.write(1, f"done {{name}}\\n".encode())

async def main():
    db = Database.open(sys.argv[1])
    await asyncio.gather(*(lane(db, number) for number in range({lanes})))
    await db.close()

asyncio.run(main())
"""
UNIT = re.compile(r"<unit \d+ \d+>")


def said_early(calls: Iterable[Call]) -> tuple[int, int]:
    """How many units of work were called done; and how many of these before they were in the synced log."""
    written: set[str] = set()
    durable: set[str] = set()
    done = early = 0
    for call in calls:
        units = set(UNIT.findall(call.text))
        match call.kind:
            case "log":
                written |= units
            case "sync":
                durable |= written
            case "said" if "done" in call.text:
                done += len(units)
                early += len(units - durable)
    return done, early


@pytest.mark.parametrize(("synchronous", "early"), [("FULL", 0), ("NORMAL", 48), ("OFF", 48)])
def test_no_acknowledgement_leaves_before_the_sync_of_its_commit(
    tmp_path: Path, synchronous: str, early: int
) -> None:
    """Many write at once, so that one sync is for a group; with anything less than FULL this test fails."""
    trace = tmp_path / "trace"
    program = EXCHANGE.format(synchronous=synchronous) + MANY_AT_ONCE.format(lanes=LANES, writes=WRITES)
    command = traced(trace, program, f"sqlite:///{tmp_path / 'x.db'}")
    subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120)
    assert said_early(calls_of(trace)) == (LANES * WRITES, early)


NOBODY_IS_TOLD = """
import asyncio, os, sys
from mintmark.authorization_server.storage import Database
from mintmark.authorization_server.storage.repositories import secrets

async def unit(db, number, durable):
    name = f"<unit 0 {number}>"
    await db.write(lambda c: secrets.insert(c, name, "sealed", 1.0), durable=durable)
    os.write(1, f"done {name}\\n".encode())

async def main():
    db = Database.open(sys.argv[1])
    for number, durable in enumerate((False, True, False, False, True, True)):
        await unit(db, number, durable)
    many = (unit(db, number, number == 8) for number in range(6, 10))
    await asyncio.gather(*many)
    await db.close()

asyncio.run(main())
"""


def test_what_nobody_is_told_of_waits_for_no_sync_and_everything_else_does(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = traced(trace, NOBODY_IS_TOLD, f"sqlite:///{tmp_path / 'x.db'}")
    subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120)
    on_disk, told = set(), {}
    written: set[str] = set()
    for call in calls_of(trace):
        units = set(UNIT.findall(call.text))
        if call.kind == "log":
            written |= units
        elif call.kind == "sync":
            on_disk |= written
        elif "done" in call.text:
            told |= {unit: unit in on_disk for unit in units}
    alone = [told[f"<unit 0 {number}>"] for number in range(6)]
    assert alone == [False, True, False, False, True, True]
    assert told["<unit 0 8>"]  # in a group, one that asks is enough


SERVE = "import sys; from mintmark.__main__ import main; sys.exit(main())"


@contextmanager
def traced_service(tmp_path: Path, trace: Path, synchronous: str) -> Iterator[Browser]:
    """``mintmark serve`` under strace, and a browser at it."""
    port = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    settings = tmp_path / "mintmark.toml"
    settings.write_text(toml_of(settings_data(url)))
    program = EXCHANGE.format(synchronous=synchronous) + SERVE
    command = traced(trace, program, "serve", "--settings", str(settings))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stderr is not None
            assert any('"listening"' in line for line in process.stderr)
            with Browser(cast(Running, SimpleNamespace(url=url))) as browser:
                yield browser
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # strace leaves it to what it traces
            process.communicate(timeout=60)


def sign_in_renew_and_end(browser: Browser) -> int:
    """Everything that is acknowledged to a person or a client; return how many answers that were."""
    tokens = browser.tokens()  # the sign-in with its code; the grant
    renewed = browser.refresh(tokens["refresh_token"]).json()
    again = browser.redeem(browser.code()).json()  # another code; another grant
    revoking = {"token": renewed["refresh_token"], "client_id": "app"}
    assert browser.http.post("/revoke", data=revoking).status_code == 200
    assert browser.submit(browser.http.get("/sign-out")).is_success
    assert browser.refresh(again["refresh_token"]).status_code == 400  # no promise
    return 7


def answered_early(calls: Iterable[Call]) -> tuple[int, int]:
    """How many answers promised something; and how many left with nothing in the log, or nothing synced."""
    promised = early = 0
    method, written, synced = "", False, False
    for call in calls:
        match call.kind:
            case "log":
                written, synced = True, False
            case "sync":
                synced = True
            case "asked":
                method, written, synced = call.text.partition(" ")[0], False, False
            case "said" if (method == "POST" and "HTTP/1.1 2" in call.text) or "HTTP/1.1 303" in call.text:
                promised += 1
                early += not (written and synced)
    return promised, early


@pytest.mark.parametrize("synchronous", ["FULL", "OFF"])
def test_no_answer_of_the_service_leaves_before_the_sync_of_its_commit(
    tmp_path: Path, synchronous: str
) -> None:
    trace = tmp_path / "trace"
    with traced_service(tmp_path, trace, synchronous) as browser:
        expected = sign_in_renew_and_end(browser)
    assert answered_early(calls_of(trace)) == (expected, 0 if synchronous == "FULL" else expected)
