"""``/revocations``: the deny log as it grows, for resource servers (server-sent events), and as a signed
snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from mintmark.authorization_server.oauth.flow import Flow
from mintmark.authorization_server.oauth.service import Service
from mintmark.authorization_server.storage.records import DenyEntry

__all__ = ["live_feed", "signed_snapshot"]

_RECONNECT = b"retry: 1000\n: connected\n\n"
_HEARTBEAT = b": heartbeat\n\n"


async def live_feed(flow: Flow) -> Response:
    """Everything that is denied from ``Last-Event-ID`` on, then each new entry as it comes."""
    last_seen = flow.request.headers.get("last-event-id", "")
    after = int(last_seen) if last_seen.isascii() and last_seen.isdigit() and len(last_seen) < 19 else None
    return StreamingResponse(
        _events(flow.service, after),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(service: Service, after: int | None) -> AsyncIterator[bytes]:
    """Write events and heartbeats until the reader goes or the service stops."""
    yield _RECONNECT
    stopping = asyncio.ensure_future(service.stopping.wait())
    try:
        with service.deny_log.subscribe(after) as subscription:
            while not stopping.done():
                coming = asyncio.ensure_future(subscription.next(service.clock(), timeout=service.heartbeat))
                await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await coming
                    return
                entries = coming.result()
                yield b"".join(map(_event, entries)) if entries else _HEARTBEAT
    finally:
        stopping.cancel()


def _event(entry: DenyEntry) -> bytes:
    data = json.dumps(entry.to_wire(), separators=(",", ":"))
    return f"id: {entry.seq}\ndata: {data}\n\n".encode()


async def signed_snapshot(flow: Flow) -> Response:
    """The whole log as it stands, signed: for those who cannot keep a connection."""
    seq, entries = flow.service.deny_log.snapshot(flow.now)
    token = flow.service.mint.snapshot(seq, [entry.to_wire() for entry in entries])
    return Response(token, media_type="application/revocations+jwt")
