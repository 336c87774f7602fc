"""Processes: none is started on a taken port, none outlives the one that started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mintmark.demo.plan import PORTS, make_plan
from mintmark.demo.runner import run
from mintmark.demo.serving import HOST
from mintmark.demo.stack import Stack
from mintmark.errors import ConfigurationError

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "mintmark.demo.tether", "http.server", "0"],
                         stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def soon(condition: Callable[[], bool], within: float = 8.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a zombie is told by /proc")
def test_a_process_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    assert soon(lambda: not alive(child))


@pytest.mark.parametrize("name", PORTS)
def test_a_taken_port_is_one_clear_line_and_status_2(
    name: str, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, port + PORTS[name]))
        taken.listen()
        assert run(port) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert f"port {port + PORTS[name]} (for {name}) is taken" in said.err
    assert "mintmark demo --port" in said.err


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("precious")
    assert run(12_000, keep=tmp_path) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_is_written_is_private(tmp_path: Path, port: int) -> None:
    stack = Stack(make_plan(port), tmp_path)
    stack.prepare()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"settings.toml", "orders.secret", "billing.secret"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_nothing_is_written_before_the_ports_are_known_to_be_free(tmp_path: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, port))
        taken.listen()
        with pytest.raises(ConfigurationError):
            Stack(make_plan(port), tmp_path).prepare()
    assert list(tmp_path.iterdir()) == []


def test_sigterm_is_no_longer_ours_after_a_run(port: int) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with socket.socket() as taken:
        taken.bind((HOST, port))
        taken.listen()
        run(port)
    assert signal.getsignal(signal.SIGTERM) is before
