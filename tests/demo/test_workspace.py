"""A killed demo's folder is removed by the next; nobody else's is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mintmark.demo.workspace import sweep, workspace

LATER = time.time() + 3600.0
OWNER = """
import sys
from mintmark.demo.workspace import workspace
with workspace(None) as directory:
    print(directory, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_only_the_folder_of_a_dead_owner_goes(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    with owner:
        assert owner.stdout is not None
        directory = Path(owner.stdout.readline().strip())
        sweep(tmp_path, LATER)
        assert directory.is_dir()
        owner.send_signal(signal.SIGKILL)
    assert directory.is_dir()
    sweep(tmp_path, time.time())  # it could be one that is being made
    assert directory.is_dir()
    sweep(tmp_path, LATER)
    assert not directory.exists()


def test_nothing_but_a_demos_own_folder_is_touched(tmp_path: Path) -> None:
    def folder(name: str, mode: int = 0o700, *, lock: bool = True) -> Path:
        made = tmp_path / name
        made.mkdir(mode)
        if lock:
            (made / "owner.lock").touch()
        return made

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "owner.lock").touch()
    left = [
        folder("mintmark-demo-open", 0o755),
        folder("mintmark-demo-without-a-lock", lock=False),
        folder("another-demo"),
        elsewhere / "owner.lock",
    ]
    (tmp_path / "mintmark-demo-link").symlink_to(elsewhere)
    linked = folder("mintmark-demo-lock-elsewhere", lock=False)
    (linked / "owner.lock").symlink_to(elsewhere / "owner.lock")
    sweep(tmp_path, LATER)
    assert all(each.exists() for each in [*left, linked])


def test_a_folder_goes_with_its_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with workspace(None) as directory:
        assert directory.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []
