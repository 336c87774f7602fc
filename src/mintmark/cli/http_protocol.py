"""What uvicorn's HTTP lacks for a server that stands alone.

It keeps as much of a head as somebody sends, and waits for the rest of a request as long as somebody likes:
here both are bounded. And it writes an answer's head and body apart, in two system calls and two packets.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol"]


_LONGEST_HEAD = 64 * 1024
_LAST_WORDS = 5.0  # seconds for answers that nobody reads, once a connection has been given up
_PATIENCE = 20.0  # seconds for a whole request, from the connection or from its first byte


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol on a transport that gathers what is written within one turn of the loop.

    Addresses, headers, trailers and the extensions of chunks together are bounded (RFC 9112 3, 7.1), and so
    is the time that a request takes to arrive.
    """

    _unread = 0  # bytes since a message, its body or another piece of that began
    _arriving = True  # a request, or the first byte of one
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a connection."""
        self._gathering = _Gathering(transport, self.loop)
        super().connection_made(self._gathering)  # type: ignore[arg-type]
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End with it."""
        self._arriving = False
        self._watch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Keep a deadline while a request is arriving, and none otherwise."""
        if self._arriving and self._deadline is None:
            self._deadline = self.loop.call_later(_PATIENCE, self._give_up)
        elif not self._arriving and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_answering(self) -> bool:
        """Say whether a request is here as a whole and its answer is not out."""
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body  # type: ignore[redundant-expr]

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_answering():  # the request before
            self._watch()
            return
        self.transport.close()
        self.loop.call_later(_LAST_WORDS, self.transport.abort)

    def eof_received(self) -> None:
        """Write what waits before the transport closes by itself: who has said all still reads."""
        self._gathering.flush()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._unread += len(data)
        if not self._is_answering():
            self._arriving = True  # also by a line end, which begins no message
        super().data_received(data)
        if self._arriving is (self._deadline is None):  # most requests come in one piece and need no clock
            self._watch()
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
        self._watch()
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        """Begin with an answer."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unread = 0
        super().on_body(body)


class _Gathering:
    """A transport: what is written waits until the loop's next turn; everything else is the transport's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write at the loop's next turn."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)

    def close(self) -> None:
        """Write what waits, then close."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what waits."""
        if self._held:
            data, self._held = b"".join(self._held), []
            self._transport.write(data)
