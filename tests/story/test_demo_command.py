"""``mintmark demo``: says what to open, stops when it is told to, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from mintmark.demo.plan import PORTS
from mintmark.demo.serving import HOST


@contextmanager
def demo(port: int, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "mintmark", "demo", "--port", str(port)]
    environment = {**os.environ, "TMPDIR": str(temporary), "MINTMARK_ISSUER": "https://not.this.one"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout
    text = ""
    while word not in text:
        line = process.stdout.readline()
        assert line, f"the demo ended: {process.stderr.read() if process.stderr else ''}"
        text += line
    return text


def answering(port: int) -> set[str]:
    found = set()
    for name, distance in PORTS.items():
        try:
            urllib3.request("GET", f"http://{HOST}:{port + distance}/health", retries=False, timeout=1)
        except urllib3.exceptions.HTTPError:
            continue
        found.add(name)
    return found


def silent_within(port: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not answering(port):
            return True
        time.sleep(0.05)
    return False


def process_id(*words: str) -> int:
    """The process whose command line has these words."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if set(words) <= set(file.read_text().split("\0")):
                return int(file.parent.name)
        except OSError:
            continue
    raise AssertionError(f"no process runs {words}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_to_open_and_stops_cleanly(port: int, tmp_path: Path, number: signal.Signals) -> None:
    with demo(port, tmp_path) as process:
        said = read_until(process, "Ctrl-C")
        assert f"http://{HOST}:{port + PORTS['page']}" in said
        assert re.search(r"Sign in as\s+alice", said)
        assert re.search(r"Password\s+(\w{4}-){3}\w{4}", said)
        assert answering(port) == set(PORTS)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=15)
        assert process.returncode == 0, errors
        assert "Stopped." in rest
        assert errors == ""
    assert answering(port) == set()
    assert list(tmp_path.glob("mintmark-demo-*")) == []


def test_nothing_outlives_a_demo_that_is_killed(port: int, tmp_path: Path) -> None:
    with demo(port, tmp_path) as process:
        read_until(process, "Ctrl-C")
        process.kill()
    assert silent_within(port, 8)


def test_a_process_that_ends_by_itself_ends_the_demo_with_its_last_words(port: int, tmp_path: Path) -> None:
    with demo(port, tmp_path) as process:
        read_until(process, "Ctrl-C")
        logs = next(tmp_path.glob("mintmark-demo-*"))
        settings = logs / "settings.toml"
        assert settings.stat().st_mode & 0o077 == 0
        assert logs.stat().st_mode & 0o077 == 0
        os.kill(process_id("mintmark.demo.billing", str(port + PORTS["billing"])), signal.SIGKILL)
        _, errors = process.communicate(timeout=15)
        assert process.returncode == 1
        assert "billing ended with status -9" in errors
        assert "Traceback" not in errors
    assert answering(port) == set()
