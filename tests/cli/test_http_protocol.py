"""Requests have bounds in size and time; head and body of an answer leave in one piece."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from mintmark.cli import http_protocol
from mintmark.cli.http_protocol import BoundedProtocol, _Deadline, _Gathering


class Pipe:
    """What a transport was told."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> str:
        return f"info of {name}"


def test_what_is_written_in_one_turn_is_written_once() -> None:
    async def walk() -> list[Any]:
        pipe = Pipe()
        transport = _Gathering(pipe, asyncio.get_running_loop())  # type: ignore[arg-type]
        transport.write(b"head ")
        transport.write(b"body")
        assert pipe.done == []
        await asyncio.sleep(0)
        transport.write(b"next")
        await asyncio.sleep(0)
        return pipe.done

    assert asyncio.run(walk()) == [b"head body", b"next"]


def test_a_connection_that_closes_takes_what_was_written_along() -> None:
    async def walk() -> list[Any]:
        pipe = Pipe()
        transport = _Gathering(pipe, asyncio.get_running_loop())  # type: ignore[arg-type]
        transport.write(b"last words")
        transport.close()
        await asyncio.sleep(0)
        transport.unwatch()
        assert transport.get_extra_info("peername") == "info of peername"
        return pipe.done

    assert asyncio.run(walk()) == [b"last words", "closed"]


@asynccontextmanager
async def connected(
    *,
    pause: float = 0.0,
    rest: int = 5,
    reads: bool = True,
    answer: bytes | None = None,
    made: list[weakref.ref[BoundedProtocol]] | None = None,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to an application that answers how long the body was.

    :param pause: seconds that it takes for an answer.
    :param rest: seconds between two requests.
    :param reads: whether it looks at the body at all.
    :param answer: something else to answer.
    :param made: gets the server's side of the connection.
    """

    async def app(_: Any, receive: Any, send: Any) -> None:
        length, more = 0, reads
        while more:
            message = await receive()
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        if pause:
            await asyncio.sleep(pause)
        body = answer or str(length).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, timeout_keep_alive=rest)
    state = ServerState()
    loop = asyncio.get_running_loop()

    def make() -> BoundedProtocol:
        protocol = BoundedProtocol(config, state, {})
        if made is not None:
            made.append(weakref.ref(protocol))
        return protocol

    server = await loop.create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


@pytest.mark.parametrize(
    ("begun", "endless"),
    [
        (b"GET /?", b"a"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", b"a"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-Many: a\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ", b"a"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
    ],
    ids=["address", "header", "headers", "trailer", "chunk extension"],
)
def test_S38_a_head_without_an_end_is_refused(begun: bytes, endless: bytes) -> None:
    async def walk() -> bytes:
        async with connected() as (reader, writer):
            answer = asyncio.ensure_future(reader.readline())
            writer.write(begun)
            with suppress(ConnectionError):
                for _ in range(100):
                    writer.write(endless * (100_000 // len(endless)))
                    await writer.drain()
            if not writer.is_closing() and not answer.done():
                answer.cancel()
                return b"all 10 MB were taken"
            try:
                return (await answer).split()[1]
            except ConnectionError:
                return b"400"  # closed on us before we had read why

    assert asyncio.run(asyncio.wait_for(walk(), 30)) == b"400"


COMPLETE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ARRIVING = {
    "nothing": [],
    "a line end after an answer": [COMPLETE, b"\r\n"],
    "a head": [b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "],
    "a body": [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"],
    "a second request": [COMPLETE, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "],
}


@pytest.mark.parametrize("pieces", ARRIVING.values(), ids=ARRIVING.keys())
def test_S38_a_request_that_does_not_arrive_is_not_waited_for(
    pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it trickles: one byte at a time keeps nobody."""
    monkeypatch.setattr(http_protocol, "_PATIENCE", 0.3)

    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, answered: asyncio.Event) -> None:
        with suppress(ConnectionError):  # closed on us while we still wrote
            while piece := await reader.read(1000):
                heard.extend(piece)
                if b"200 OK" in heard:
                    answered.set()

    async def walk() -> None:
        async with connected() as (reader, writer):
            answered = asyncio.Event()
            listening = asyncio.ensure_future(listen(reader, answered))
            for piece in pieces:
                writer.write(piece)
                if piece == COMPLETE:
                    await answered.wait()
            while not listening.done() and pieces and pieces[-1] != b"\r\n":
                writer.write(b"a")
                await asyncio.sleep(0.01)
            await listening

    asyncio.run(asyncio.wait_for(walk(), 10))
    assert heard.count(b"200 OK") == pieces.count(COMPLETE)


def test_each_request_of_a_pipeline_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the end of each comes together with the beginning of the next."""
    monkeypatch.setattr(http_protocol, "_PATIENCE", 0.4)
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    async def walk() -> bytes:
        async with connected() as (reader, writer):
            for _ in range(8):
                writer.write(request[-10:] + request[:-10] if _ else request[:-10])
                await asyncio.sleep(0.1)
            writer.write(request[-10:])
            heard = b""
            while heard.count(b"200 OK") < 8:
                heard += await reader.read(1000) or b"cut" * 1000
                assert b"cut" not in heard
            return heard

    assert asyncio.run(asyncio.wait_for(walk(), 10)).count(b"200 OK") == 8


def test_a_caller_may_wait_long_for_its_answer_and_between_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "_PATIENCE", 0.05)

    async def walk() -> list[bytes]:
        async with connected(pause=0.2) as (reader, writer):
            answers = []
            for _ in range(2):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                answers.append(await reader.readuntil(b"\r\n\r\n0"))
                await asyncio.sleep(0.2)
            return answers

    assert len(asyncio.run(asyncio.wait_for(walk(), 10))) == 2


def test_long_bodies_and_requests_behind_them_go_through() -> None:
    async def walk() -> list[bytes]:
        async with connected() as (reader, writer):
            body = b"b" * 300_000
            head = b"POST / HTTP/1.1\r\nHost: x\r\nX-Fair: %b\r\nContent-Length: %d\r\n\r\n"
            writer.write((head % (b"a" * 30_000, len(body)) + body) * 3)
            answers = []
            for _ in range(3):
                await reader.readuntil(b"\r\n\r\n")
                answers.append(await reader.readexactly(6))
            return answers

    assert asyncio.run(asyncio.wait_for(walk(), 30)) == [b"300000"] * 3


def test_a_caller_that_has_said_all_still_hears_the_answer() -> None:
    async def walk() -> bytes:
        async with connected() as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            writer.write_eof()
            return await reader.read()

    assert asyncio.run(asyncio.wait_for(walk(), 30)).endswith(b"\r\n\r\n0")


def test_a_connection_at_rest_is_closed_and_one_that_asks_again_in_time_is_not() -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    async def walk() -> tuple[int, float, bytes]:
        async with connected(rest=1) as (reader, writer):
            for _ in range(4):
                writer.write(request)
                await reader.readuntil(b"\r\n\r\n0")
                await asyncio.sleep(0.4)
            loop = asyncio.get_running_loop()
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n0")
            rested = loop.time()
            end = await reader.read()
            return 5, loop.time() - rested, end

    answers, seconds, end = asyncio.run(asyncio.wait_for(walk(), 20))
    assert (answers, end) == (5, b"")
    assert seconds >= 0.9


class Timers:
    """A loop whose time is set by hand, and which counts what it was asked for."""

    def __init__(self) -> None:
        self.now, self.made = 0.0, 0
        self._waiting: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, ring: Callable[[], None]) -> Timer:
        self.made += 1
        self._waiting.append(timer := Timer(when, ring))
        return timer

    def go_to(self, now: float) -> None:
        while due := sorted(timer for timer in self._waiting if timer.rings and timer.when <= now):
            self._waiting.remove(due[0])
            self.now = due[0].when
            due[0].ring()
        self.now = now

    @property
    def waiting(self) -> list[float]:
        return [timer.when for timer in self._waiting if timer.rings]


@dataclass(order=True)
class Timer:
    when: float
    ring: Callable[[], None] = field(compare=False)
    rings: bool = field(default=True, compare=False)

    def cancel(self) -> None:
        self.rings = False


def test_a_deadline_that_moves_a_thousand_times_takes_a_timer_or_two() -> None:
    timers, acted = Timers(), list[float]()
    deadline = _Deadline(timers, lambda: acted.append(timers.now))  # type: ignore[arg-type]
    for step in range(1000):
        timers.go_to(step / 100)
        deadline.clear()
        deadline.set(5.0)
    assert timers.made <= 4
    timers.go_to(14.9)
    assert acted == []
    timers.go_to(60.0)
    assert acted == [pytest.approx(14.99)]


@pytest.mark.parametrize("after", ["clear", "end"])
def test_a_deadline_that_is_taken_back_does_nothing(after: str) -> None:
    timers, acted = Timers(), list[float]()
    deadline = _Deadline(timers, lambda: acted.append(timers.now))  # type: ignore[arg-type]
    deadline.set(5.0)
    getattr(deadline, after)()
    assert not deadline.is_set
    assert (timers.waiting == []) is (after == "end")
    timers.go_to(60.0)
    assert acted == []


def test_a_deadline_that_comes_nearer_is_kept() -> None:
    timers, acted = Timers(), list[float]()
    deadline = _Deadline(timers, lambda: acted.append(timers.now))  # type: ignore[arg-type]
    deadline.set(20.0)
    deadline.set(5.0)
    timers.go_to(60.0)
    assert acted == [5.0]
    assert timers.waiting == []


async def _closes(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> bytes:
    """Return what is still said until the other side closes."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    ("head", "late"),
    [
        (b"Content-Length: 1\r\n\r\n", b"x"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"),
    ],
    ids=["length", "chunked"],
)
def test_S38_a_body_that_comes_after_its_answer_keeps_no_connection(head: bytes, late: bytes) -> None:
    async def walk() -> bytes:
        async with connected(rest=1, reads=False) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + head)
            await reader.readuntil(b"\r\n\r\n0")
            writer.write(late)
            return await _closes(writer, reader)

    assert asyncio.run(asyncio.wait_for(walk(), 8)) == b""


@pytest.mark.parametrize("close", [True, False], ids=["closing", "pipelined"])
def test_S38_answers_that_nobody_reads_are_given_up(close: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "_READING", 0.3)

    async def walk() -> int:
        async with connected(answer=b"a" * 8_000_000) as (reader, writer):
            head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"Connection: close\r\n" * close + b"\r\n"
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(head if close else head * 20)
            await asyncio.sleep(1.5)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            return len(await _closes(writer, reader))

    assert asyncio.run(asyncio.wait_for(walk(), 20)) < 8_000_000


def test_whoever_reads_slowly_gets_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes 2.4 s at least, several times as long as somebody who does not read is given."""
    monkeypatch.setattr(http_protocol, "_READING", 0.6)

    async def walk() -> int:
        async with connected(answer=b"a" * 12_000_000) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            length = 0
            while piece := await reader.read(100_000):
                length += len(piece)
                await asyncio.sleep(0.02)
            return length

    assert asyncio.run(asyncio.wait_for(walk(), 60)) > 12_000_000


def test_a_slow_answer_is_waited_for_though_the_next_request_is_stuck_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "_PATIENCE", 0.2)

    async def walk() -> bytes:
        async with connected(pause=0.7) as (reader, writer):
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"
            )
            return await reader.readuntil(b"\r\n\r\n0")

    assert asyncio.run(asyncio.wait_for(walk(), 10)).startswith(b"HTTP/1.1 200")


def test_a_connection_that_is_over_is_forgotten_at_once() -> None:
    """No clock and no cycle of references keeps it."""
    made: list[weakref.ref[BoundedProtocol]] = []

    async def walk() -> tuple[object, list[object]]:
        async with connected(made=made) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n0")
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.1)
            timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
            return made[0](), [timer for timer in timers if not timer.cancelled() and "_look" in repr(timer)]

    gc.disable()
    try:
        assert asyncio.run(asyncio.wait_for(walk(), 10)) == (None, [])
    finally:
        gc.enable()
