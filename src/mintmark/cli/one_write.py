"""The head of an answer and its body go out together, and no head of a request comes without an end.

uvicorn writes an answer's head and body apart: two system calls, and two packets on the wire. And it keeps
as much of a head as somebody sends.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["OneWriteProtocol"]


_LONGEST_HEAD = 64 * 1024


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's own protocol on a transport that gathers what is written within one turn of the loop.

    Addresses, headers, trailers and the extensions of chunks together are bounded (RFC 9112 3, 7.1).
    """

    _unread = 0  # bytes since a message, its body or another piece of that began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a connection."""
        self._gathering = _Gathering(transport, self.loop)
        super().connection_made(self._gathering)  # type: ignore[arg-type]

    def eof_received(self) -> None:
        """Write what waits before the transport closes by itself: who has said all still reads."""
        self._gathering.flush()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > _LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self._unread = 0
        super().on_message_begin()

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
