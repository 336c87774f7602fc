"""Starlette's own ways: its AuthenticationMiddleware, WebSockets, lifespan."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from frameworks.calling import call_asgi
from frameworks.request_table import bearer, make_server, mint
from frameworks.test_asgi import websocket
from mintmark.errors import ConfigurationError
from mintmark.frameworks.starlette import Protect, TokenBackend, claims_of


async def whoami(request: Request) -> JSONResponse:
    user = request.user
    return JSONResponse({"known": user.is_authenticated, "name": user.display_name})


@requires("orders:read")
async def scoped(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.user.identity})


backend = TokenBackend(make_server())
middleware = Middleware(AuthenticationMiddleware, backend=backend, on_error=TokenBackend.on_error)
app = Starlette(routes=[Route("/", whoami), Route("/scoped", scoped)], middleware=[middleware])


def test_the_backend_knows_who_calls_and_lets_nobody_pass_as_nobody() -> None:
    assert call_asgi(app, "GET", "/").body == b'{"known":false,"name":""}'
    assert call_asgi(app, "GET", "/", bearer(mint())).body == b'{"known":true,"name":"alice"}'
    assert (
        call_asgi(app, "GET", "/", bearer(mint(name="Alice A."))).body == b'{"known":true,"name":"Alice A."}'
    )


@pytest.mark.parametrize(
    ("headers", "status"), [(bearer(mint(exp=1)), 401), ((("Authorization", "Bearer"),), 400)]
)
def test_a_token_that_is_brought_must_be_good(headers: Any, status: int) -> None:
    answer = call_asgi(app, "GET", "/", headers)
    assert answer.status == status
    assert (answer.header("www-authenticate") or "").startswith('Bearer realm="orders", error=')


def test_starlettes_own_requires_sees_the_scopes() -> None:
    assert call_asgi(app, "GET", "/scoped", bearer(mint())).status == 200
    assert call_asgi(app, "GET", "/scoped", bearer(mint(scope="x"))).status == 403


def test_the_decorator_protects_websockets_too() -> None:
    protect = Protect(resource_server=make_server())

    @protect("orders:read")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(claims_of(socket).subject or "")

    live_app = Starlette(routes=[WebSocketRoute("/live", live)])
    protect.install(live_app)
    assert websocket(live_app, bearer(mint()))[-1]["text"] == "alice"
    start, body = websocket(live_app, extensions={"websocket.http.response": {}})
    assert start["status"] == 401
    assert b"credentials_missing" in body["body"]


def test_a_condition_that_does_not_exist_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="scpoe"):
        Protect(resource_server=make_server())("a", scpoe="b")
