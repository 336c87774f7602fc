"""What uvicorn's HTTP lacks for a server that stands alone.

It keeps as much of a head as somebody sends, and waits for the rest of a request, and for somebody to read an
answer, as long as somebody likes: here all three are bounded. And it writes an answer's head and body apart,
in two system calls and two packets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol"]


_LONGEST_HEAD = 64 * 1024
_READING = 20.0  # seconds in which somebody has to read on, when an answer waits
_READ_ON = 16 * 1024  # bytes that count as that
_PATIENCE = 20.0  # seconds for a whole request, from the connection or from its first byte


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol on a transport that gathers what is written within one turn of the loop.

    Addresses, headers, trailers and the extensions of chunks together are bounded (RFC 9112 3, 7.1), and so
    are the time that a request takes to arrive and the time in which nobody reads an answer.
    """

    _unread = 0  # bytes since a message, its body or another piece of that began
    _arriving = True  # a request, or the first byte of one

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a connection."""
        self._gathering = _Gathering(transport, self.loop)
        self._deadline = _Deadline(self.loop, self._give_up)
        self._deadline.set(_PATIENCE)
        super().connection_made(self._gathering)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """End with it."""
        self._deadline.end()
        self._gathering.lost()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More is written than is read."""
        self._gathering.watch_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It is read after all; what a closed connection still holds is watched on."""
        if not self.transport.is_closing():
            self._gathering.unwatch()
        super().resume_writing()

    def _is_answering(self) -> bool:
        """Say whether a request is here as a whole and its answer is not out."""
        cycle = self.cycle
        if self.pipeline:
            return True
        return cycle is not None and not cycle.response_complete and not cycle.more_body  # type: ignore[redundant-expr]

    def _give_up(self) -> None:
        if self._is_answering():  # the request before
            self._deadline.set(_PATIENCE)
            return
        self.transport.close()

    def eof_received(self) -> None:
        """Write what waits before the transport closes by itself: who has said all still reads."""
        self._gathering.flush()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._unread += len(data)
        if not self._arriving and not self._is_answering():
            self._arriving = True  # also by a line end, which begins no message
            self._deadline.clear()  # that of a connection at rest
        super().data_received(data)
        if self._arriving and not self._deadline.is_set:  # most requests come in one piece and need none
            self._deadline.set(_PATIENCE)
        if self._unread > _LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self._unread = 0
        self._arriving = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request is here; the next one has its own time."""
        self._arriving = False
        self._deadline.clear()
        super().on_message_complete()
        if self.cycle.response_complete:  # by somebody who did not care for the body
            self._deadline.set(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        """Go on with the request that waits, or rest; uvicorn would make a timer each time and cancel it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._arriving:
            self._deadline.set(self.timeout_keep_alive)

    def on_headers_complete(self) -> None:
        """Begin with an answer."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unread = 0
        super().on_body(body)


class _Deadline:
    """A deadline that moves with every request, on a timer that stays: one that rings early looks again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        """:param act: called when the deadline has passed."""
        self._loop = loop
        self._act = act
        self._at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings = 0.0  # when the timer does, if there is one

    @property
    def is_set(self) -> bool:
        """Whether there is a deadline now."""
        return self._at is not None

    def set(self, seconds: float) -> None:
        """Act in so many seconds, unless something else is said until then."""
        self._at = at = self._loop.time() + seconds
        if self._timer is None or self._rings > at:
            self._wait_until(at)

    def clear(self) -> None:
        """Do not act."""
        self._at = None

    def end(self) -> None:
        """Do not act any more, and leave nothing behind."""
        self._at = None
        self._act = _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_until(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = at
        self._timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._at is None:
            return
        if self._at > self._loop.time():
            self._wait_until(self._at)
            return
        self._at = None
        self._act()


def _nothing() -> None:
    pass


class _Gathering:
    """A transport: what is written waits until the loop's next turn; everything else is the transport's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._watching: asyncio.TimerHandle | None = None
        self._is_lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write at the loop's next turn."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)

    def close(self) -> None:
        """Write what waits, then close, whether or not anybody reads it."""
        self.flush()
        self._transport.close()
        self.watch_reading()

    def lost(self) -> None:
        """Nobody is left to read."""
        self._is_lost = True
        self.unwatch()

    def watch_reading(self) -> None:
        """Abort when what is written is not read on."""
        if self._watching is None and not self._is_lost:
            self._look_again()

    def unwatch(self) -> None:
        """Give all the time there is."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _look_again(self) -> None:
        unread = self._transport.get_write_buffer_size()
        self._watching = self._loop.call_later(_READING, self._look, unread)

    def _look(self, unread_before: int) -> None:
        unread = self._transport.get_write_buffer_size()
        if unread_before - unread < _READ_ON:
            self._transport.abort()
        else:
            self._look_again()

    def flush(self) -> None:
        """Write what waits."""
        if self._held:
            data, self._held = b"".join(self._held), []
            self._transport.write(data)
