"""Plain ASGI: a middleware for any ASGI application, and what the other ASGI frameworks share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from typing import Any

from mintmark.resource_server import Refusal, Require, ResourceServer

__all__ = ["CLAIMS", "ProtectMiddleware", "ScopeRequest", "send_refusal"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CLAIMS = "mintmark.claims"
"""Where the claims are found in an ASGI scope."""

_POLICY_VIOLATION = 1008  # RFC 6455 7.4.1; before the handshake is accepted, servers answer 403


class ScopeRequest:
    """A :class:`~mintmark.resource_server.Request` over an ASGI scope."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @property
    def method(self) -> str:
        """The HTTP method; a WebSocket's handshake is a GET."""
        method: str = self._scope.get("method", "GET")
        return method

    @property
    def url(self) -> str:
        """Path and query as they came."""
        path: bytes = self._scope.get("raw_path") or self._scope["path"].encode("utf-8", "replace")
        query: bytes = self._scope.get("query_string", b"")
        return (path + b"?" + query if query else path).decode("latin-1")

    def values(self, name: str) -> Sequence[str]:
        """Return every value of a header.

        A WebSocket always asks for an upgrade, though over HTTP/2 no header says so (RFC 8441 4).
        """
        if name == "upgrade" and self._scope.get("type") == "websocket":
            return ["websocket"]
        wanted = name.encode("latin-1")
        return [value.decode("latin-1") for known, value in self._scope["headers"] if known == wanted]


class ProtectMiddleware:
    """Lets only requests with a sufficient access token through to an ASGI application.

    The application finds the claims under ``scope["mintmark.claims"]``. HTTP and WebSocket are protected; the
    background work of the resource server begins and ends with the application's lifespan.

    :param require: what every request must carry; routes may ask for more.
    :param public: paths that need no token, compared exactly. CORS middleware belongs outside of this one.
    """

    def __init__(
        self,
        app: App,
        resource_server: ResourceServer,
        require: Require | None = None,
        *,
        public: Collection[str] = (),
    ) -> None:
        self._app = app
        self._server = resource_server
        self._require = require
        self._public = frozenset(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one connection and pass it on, or answer with the refusal."""
        kind = scope["type"]
        if kind == "lifespan":
            return await self._app(scope, self._overhearing(receive), send)
        scope.pop(CLAIMS, None)  # only this middleware says who somebody is (research row O22)
        if kind not in ("http", "websocket") or scope["path"] in self._public:
            return await self._app(scope, receive, send)
        metadata = self._server.metadata
        if metadata is not None and kind == "http" and scope["path"] == metadata.path:
            return await _send(send, 200, [("Content-Type", "application/json")], metadata.document())
        try:
            scope[CLAIMS] = await self._server.acheck(ScopeRequest(scope), self._require)
        except Refusal as refusal:
            return await send_refusal(refusal, scope, receive, send)
        return await self._app(scope, receive, send)

    def _overhearing(self, receive: Receive) -> Receive:
        """Begin and end the background work with the application, whether or not it cares for lifespans."""

        async def overheard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._server.start()
            elif message["type"] == "lifespan.shutdown":
                self._server.close()
            return message

        return overheard


async def send_refusal(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a refusal; a WebSocket is denied with the same answer where the server can send it."""
    if scope["type"] != "websocket":
        return await _send(send, refusal.status, refusal.headers, refusal.body)
    await receive()  # websocket.connect comes first
    if "websocket.http.response" in scope.get("extensions", {}):
        return await _send(send, refusal.status, refusal.headers, refusal.body, prefix="websocket.http")
    return await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": str(refusal.code)})


async def _send(
    send: Send, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, prefix: str = "http"
) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    raw.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": f"{prefix}.response.start", "status": status, "headers": raw})
    await send({"type": f"{prefix}.response.body", "body": body})
