"""npm packages as peers: installed once per lock file; ``jose`` is then asked over a pipe."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SOURCE = Path(__file__).parent / "node"
FILES = ("package.json", "package-lock.json", "peer.mjs", "services.mjs")
_FORGET = 600.0  # seconds after which a failed installation is tried again


class PeerUnavailable(Exception):
    """Node, npm or the registry is not to be had; the text says which."""


class Refused(Exception):
    """The peer refused what it was given; ``args[0]`` is its own code."""


def installed() -> Path:
    """Return a folder with the pinned packages, installed if they are not there yet.

    The folder is outside of the checkout and named after what it holds, so that any number of test processes
    can share it: whoever holds the lock installs, all others wait for it.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise PeerUnavailable(f"{program} is not installed, and the npm packages need it")
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mintmark-tests"
    folder = cache / f"npm-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"npm-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    failure = folder / "failure"
    if failure.exists() and time.time() - failure.stat().st_mtime < _FORGET:
        raise PeerUnavailable(failure.read_text("utf-8"))
    folder.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(SOURCE / name, folder / name)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000")
    try:
        done = subprocess.run(
            ["npm", "ci", *quiet], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        said = done.stderr.strip().splitlines()
    except subprocess.TimeoutExpired:
        done, said = None, ["no answer within two minutes"]
    if done is None or done.returncode:
        lines = [line for line in said if "error" in line.lower()] or said or ["no reason given"]
        failure.write_text(f"npm could not install the packages: {lines[0]}", "utf-8")
        raise PeerUnavailable(failure.read_text("utf-8"))
    (folder / "ready").touch()


class Peer:
    """One Node process that answers requests in order."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["node", "peer.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def ask(self, operation: str, **given: Any) -> Any:
        """Return what the peer makes of it.

        :raises Refused: it made nothing of it, and says why.
        """
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(json.dumps({"operation": operation, **given}) + "\n")
        pipe_in.flush()
        answer = json.loads(pipe_out.readline())
        if "error" in answer:
            raise Refused(answer["error"], answer["message"])
        return answer["value"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(10)
