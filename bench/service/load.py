"""A load generator that costs little: raw requests on open connections, one at a time on each, counted.

A *caller* is what one connection does: it gives the next request as bytes and is told what came back. It is
bounded in time and in number, and a wrong answer ends the measurement: a fast refusal is no result.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlencode

import uvloop

__all__ = ["Answer", "Caller", "Load", "Repeating", "basic", "drive", "get", "post"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> dict[str, object]:
        """Return the members of the body."""
        found: dict[str, object] = json.loads(self.body)
        return found

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        wanted = name.lower().encode() + b":"
        for line in self.head.split(b"\r\n")[1:]:
            if line.lower().startswith(wanted):
                return line[len(wanted) :].strip().decode("latin-1")
        return None


class Caller(Protocol):
    """What one connection does."""

    def request(self) -> bytes:
        """Return the next request, whole."""

    def answered(self, answer: Answer) -> bool:
        """Take what came back; True when that completes one unit of what is counted."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was done in which time."""

    units: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Units a second."""
        return self.units / self.seconds


class WrongAnswerError(Exception):
    """The server did not do what is measured."""


class Repeating:
    """The same request for ever; the answer must have that status."""

    def __init__(self, request: bytes, status: int = 200) -> None:
        self._request = request
        self._status = status

    def request(self) -> bytes:
        """See :class:`Caller`."""
        return self._request

    def answered(self, answer: Answer) -> bool:
        """See :class:`Caller`."""
        expect(answer, self._status)
        return True


def expect(answer: Answer, status: int) -> None:
    """Refuse another answer than the one that is measured."""
    if answer.status != status:
        raise WrongAnswerError(f"expected {status}, got {answer.status}: {answer.body[:200]!r}")


def get(port: int, path: str, **headers: str) -> bytes:
    """Return a GET as bytes."""
    return _head("GET", port, path, headers) + b"\r\n"


def post(port: int, path: str, form: dict[str, str], **headers: str) -> bytes:
    """Return the post of a form as bytes."""
    body = urlencode(form).encode()
    said = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)), **headers}
    return _head("POST", port, path, said) + b"\r\n" + body


def basic(client_id: str, secret: str) -> str:
    """Return the value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def _head(method: str, port: int, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: */*"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n").encode()


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, caller: Caller, course: _Course) -> None:
        self._caller = caller
        self._course = course
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            answer = self._answer()
            if answer is None:
                return
            if self._caller.answered(answer):
                self._course.units += 1
            self._next()
        except Exception as error:
            self._course.fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._course.is_over:
            self._course.fail(WrongAnswerError(f"the server closed a connection ({error})"))

    def _next(self) -> None:
        if self._course.goes_on():
            self._transport.write(self._caller.request())
        else:
            self._transport.close()

    def _answer(self) -> Answer | None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        lower = head.lower()
        status = int(head[9:12])
        if b"transfer-encoding: chunked" in lower:
            if not rest.endswith(b"0\r\n\r\n"):
                return None
            body, length = _unchunked(rest), len(rest)
        else:
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return None
            body = rest[:length]
        self._buffer = rest[length:]
        return Answer(status, head, body)


def _unchunked(text: bytes) -> bytes:
    body = b""
    while text:
        size, _, text = text.partition(b"\r\n")
        body += text[: int(size, 16)]
        text = text[int(size, 16) + 2 :]
    return body


class _Course:
    """How far the measurement is."""

    def __init__(self, seconds: float, most: int | None) -> None:
        self.units = 0
        self._most = most
        self._begun = time.perf_counter()
        self._end = self._begun + seconds
        self.elapsed = 0.0
        self.error: Exception | None = None
        self.over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self.over.is_set()

    def goes_on(self) -> bool:
        now = time.perf_counter()
        if now < self._end and (self._most is None or self.units < self._most) and not self.is_over:
            return True
        if not self.is_over:
            self.elapsed = now - self._begun
            self.over.set()
        return False

    def fail(self, error: Exception) -> None:
        self.error = self.error or error
        self.over.set()


def drive(
    port: int,
    callers: Sequence[Caller],
    *,
    seconds: float,
    most: int | None = None,
) -> Load:
    """Let every caller call on its own connection until the time or the number is up.

    :param seconds: how long at most.
    :param most: how many units at most.
    :raises WrongAnswerError: an answer that is not the one measured.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(port, callers, seconds, most))


async def _drive(port: int, callers: Sequence[Caller], seconds: float, most: int | None) -> Load:
    loop = asyncio.get_running_loop()
    course = _Course(seconds, most)
    for caller in callers:
        await loop.create_connection(lambda caller=caller: _Connection(caller, course), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(course.over.wait(), seconds + 30)
    if course.error is not None:
        raise course.error
    await asyncio.sleep(0.05)  # what is under way comes in
    return Load(course.units, course.elapsed)
