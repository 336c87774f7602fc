"""The processes of the demo: started together, watched, killed and restarted one by one, stopped together."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import urllib3

from mintmark.demo.plan import CLIENT_ID, PERSON, PORTS, SCOPE, Plan
from mintmark.demo.serving import HOST
from mintmark.errors import ConfigurationError, MintmarkError

__all__ = ["Stack", "StackError"]

START_WITHIN: Final = 20.0
STOP_WITHIN: Final = 4.0
SETTINGS: Final = "settings.toml"


class StackError(MintmarkError):
    """A process of the demo did not start, or ended by itself; the message holds the end of its log."""


class Stack:
    """The four processes of one plan, with their files in ``directory`` (private to this user).

    Use it as a context manager: whatever happens, every process that it started is stopped.
    """

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=1, read=2))

    def __enter__(self) -> Self:
        try:
            self.prepare()
            for name in PORTS:
                self.start(name)
            self.wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def settings_file(self) -> Path:
        return self.directory / SETTINGS

    def log_file(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def prepare(self) -> None:
        """Check the ports and write the settings and secrets.

        :raises ConfigurationError: a port is taken.
        """
        for name, distance in PORTS.items():
            _refuse_taken(self.plan.port + distance, name, self.plan.port)
        (self.directory / "logs").mkdir(mode=0o700, exist_ok=True)
        _write_private(self.settings_file, self.plan.settings_toml())
        for client, secret in self.plan.client_secrets.items():
            _write_private(self.directory / f"{client}.secret", secret)

    def start(self, name: str) -> None:
        """Start one process; it dies with this one (see :mod:`mintmark.demo.tether`)."""
        log = os.open(self.log_file(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._processes[name] = subprocess.Popen(  # noqa: S603 — our own interpreter and modules
                [sys.executable, "-P", "-m", "mintmark.demo.tether", *self._command(name)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the parent, which then stops the others in order
            )
        finally:
            os.close(log)

    def command_line(self, *arguments: str) -> str:
        """Run one ``mintmark`` command beside the running processes, as an operator does; what it printed.

        :raises StackError: it did not succeed.
        """
        done = subprocess.run(  # noqa: S603 — our own interpreter and module
            [sys.executable, "-P", "-m", "mintmark", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=_environment(),
            timeout=START_WITHIN,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"mintmark {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def kill(self, name: str) -> None:
        """End a process at once, without a word to it (SIGKILL)."""
        process = self._processes.pop(name)
        process.kill()
        _bury(process)

    def stop(self) -> None:
        """Stop every process: politely, then by force. Services first, since they listen to the issuer."""
        processes = list(reversed(self._processes.values()))
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
            _bury(process)
        self._processes.clear()
        self._http.clear()

    def wait_until_healthy(self, *names: str) -> None:
        """Wait until the named processes (all, if none is named) answer.

        :raises StackError: one ended, or did not answer in time.
        """
        deadline = time.monotonic() + START_WITHIN
        for name in names or PORTS:
            while not self._healthy(name):
                self.check_running()
                if time.monotonic() > deadline:
                    raise StackError(f"{name} did not answer within {START_WITHIN:.0f} s\n{self._tail(name)}")
                time.sleep(0.03)

    def check_running(self) -> None:
        """:raises StackError: a process has ended by itself."""
        for name, process in self._processes.items():
            if (status := process.poll()) is not None:
                raise StackError(f"{name} ended with status {status}\n{self._tail(name)}")

    def process_ids(self) -> Mapping[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def _healthy(self, name: str) -> bool:
        try:
            answer = self._http.request("GET", f"{self.plan.url(name)}/health")
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200

    def _tail(self, name: str) -> str:
        lines = self.log_file(name).read_text(errors="replace").splitlines()[-15:]
        return "\n".join(f"  {name} | {line}" for line in lines)

    def _command(self, name: str) -> list[str]:
        plan = self.plan
        port = ["--port", str(plan.port + PORTS[name]), "--log-level", plan.log_level]
        if name == "issuer":
            return ["mintmark", "serve", "--settings", SETTINGS, "--host", HOST, *port]
        leeway = ["--issuer", plan.issuer, "--leeway", str(plan.leeway)]
        if name == "page":
            seen = ["--client-id", CLIENT_ID, "--scope", SCOPE, "--person", PERSON]
            places = ["--orders", plan.url("orders"), "--billing", plan.url("billing")]
            return ["mintmark.demo.page", *port, *leeway, *seen, *places]
        cooldown = ["--cooldown", str(min(30.0, plan.key_lead / 2))]
        service = [*cooldown, "--secret-file", f"{name}.secret", "--origin", plan.page]
        others = ["--billing", plan.url("billing")] if name == "orders" else []
        return [f"mintmark.demo.{name}", *port, *leeway, *service, *others]


def _environment() -> dict[str, str]:
    # The demo's settings are its file alone: a MINTMARK_* variable of the caller's would win over it.
    return {key: value for key, value in os.environ.items() if not key.startswith("MINTMARK_")}


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _refuse_taken(port: int, name: str, first: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigurationError(f"cannot listen on {HOST}:{port}: {error.strerror}") from None
            other = first + 1000 if first < 60_000 else 20_000
            raise ConfigurationError(
                f"port {port} (for {name}) is taken by another program; "
                f"stop it, or choose other ports: mintmark demo --port {other}, or make demo PORT={other}"
            ) from None


def _bury(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    if process.stdin:
        process.stdin.close()
