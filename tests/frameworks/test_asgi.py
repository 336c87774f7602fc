"""The plain ASGI middleware: what passes, what is public, WebSockets, lifespan."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from frameworks.calling import call_asgi
from frameworks.request_table import bearer, make_server, mint
from mintmark.frameworks.asgi import CLAIMS, ProtectMiddleware, ScopeRequest
from mintmark.resource_server import HostCookie, Require, RevocationFeed


async def echo(scope: Any, receive: Any, send: Any) -> None:
    claims = scope.get(CLAIMS)
    body = claims.subject.encode() if claims else b"nobody"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/health", 200),
        ("/health?x=1", 200),
        ("/health/", 401),
        ("/Health", 401),
        ("/health/../orders", 401),
        ("//health", 401),
        ("/health%2f", 401),
        ("/health;x", 401),
        ("/orders", 401),
    ],
)
def test_public_paths_are_compared_exactly(url: str, status: int) -> None:
    app = ProtectMiddleware(echo, make_server(), public=("/health",))
    assert call_asgi(app, "GET", url).status == status


def test_O22_claims_of_somebody_outside_are_dropped() -> None:
    """Whatever another middleware or server put there before: on a public path nobody is known."""
    app = ProtectMiddleware(echo, make_server(), public=("/health",))

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        scope[CLAIMS] = "admin"
        await app(scope, receive, send)

    assert call_asgi(outer, "GET", "/health").body == b"nobody"


def websocket(app: Any, headers: Any = (), **scope: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    full = {"type": "websocket", "path": "/live", "query_string": b"", "headers": raw, **scope}
    asyncio.run(app(full, receive, send))
    return sent


async def socket_app(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": scope[CLAIMS].subject})


def test_a_websocket_is_let_in_with_a_token() -> None:
    app = ProtectMiddleware(socket_app, make_server())
    assert websocket(app, bearer(mint()))[-1]["text"] == "alice"


def test_a_websocket_is_denied_with_the_refusal_where_the_server_can_say_it() -> None:
    app = ProtectMiddleware(socket_app, make_server(), Require("orders:write"))
    start, body = websocket(app, bearer(mint()), extensions={"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert b"insufficient_scope" in dict(start["headers"])[b"www-authenticate"]
    assert b"scope_insufficient" in body["body"]
    assert websocket(app) == [{"type": "websocket.close", "code": 1008, "reason": "credentials_missing"}]


def test_the_background_work_lives_as_long_as_the_application() -> None:
    life: list[str] = []

    class Feed(RevocationFeed):
        def start(self) -> None:
            life.append("started")

        def close(self) -> None:
            life.append("closed")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            life.append((await receive())["type"])

    async def careless(scope: Any, receive: Any, send: Any) -> None:
        return

    coming = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]

    async def receive() -> Any:
        return coming.pop()

    feed = Feed("https://a.example", client_id="c", client_secret="s", when_stale="accept")
    for inner in (careless, app):  # an application that does not care for lifespans closes nothing
        middleware = ProtectMiddleware(inner, make_server(revocations=feed))
        asyncio.run(middleware({"type": "lifespan"}, receive, None))  # type: ignore[arg-type]
    assert life == ["started", "lifespan.startup", "closed", "lifespan.shutdown"]


def test_a_websocket_over_http_2_is_one_too() -> None:
    """Its handshake has no Upgrade header; the cookie's guard against other origins must see it still."""
    app = ProtectMiddleware(socket_app, make_server(locations=(HostCookie(),)))
    headers = ("cookie", f"__Host-access={mint()}"), ("origin", "https://evil.example")
    assert websocket(app, headers)[-1]["reason"] == "csrf_suspected"


def test_the_url_is_as_it_came() -> None:
    scope = {"path": "/ä b", "raw_path": b"/%C3%A4%20b", "query_string": b"c=d", "headers": []}
    assert ScopeRequest(scope).url == "/%C3%A4%20b?c=d"
    assert ScopeRequest({"path": "/a", "headers": []}).url == "/a"
