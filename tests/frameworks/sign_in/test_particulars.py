"""What only one framework has: WebSockets, and a middleware that looks before a view signs out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from authorization_server.running import Running
from client.sign_in.person import APP, SETTINGS, Person, sign_in_at
from mintmark.errors import ConfigurationError
from mintmark.frameworks.sign_in.starlette import SignIn

from .apps import django_asgi_app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("server"), **SETTINGS) as server:
        yield server


def opened(app: Any, cookies: dict[str, str], origin: str | None) -> tuple[str, dict[str, Any]]:
    """Open a WebSocket; return the first message that comes back."""
    headers = [(b"cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()).encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/live",
        "raw_path": b"/live",
        "query_string": b"",
        "headers": headers,
        "extensions": {"websocket.http.response": {}},
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["type"], sent[0]


def test_a_websocket_is_for_signed_in_people_of_our_own_pages(server: Running) -> None:
    sign_in = SignIn(core=sign_in_at(server))

    @sign_in.required
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    app = Starlette(routes=[WebSocketRoute("/live", live)])
    sign_in.install(app)
    with Person(server, sign_in.core) as alice:
        kind, message = opened(app, {}, APP)
        assert (kind, message["status"]) == ("websocket.http.response.start", 401)
        alice.sign_in()
        kind, message = opened(app, alice.cookies, "https://evil.example")
        assert (kind, message["status"]) == ("websocket.http.response.start", 403)
        assert opened(app, alice.cookies, APP)[0] == "websocket.accept"
        server.clock.advance(700)
        kind, message = opened(app, alice.cookies, APP)
        assert kind == "websocket.accept"  # renewed, and the browser is told
        assert any(name == b"set-cookie" for name, _ in message["headers"])


def test_an_application_without_install_says_so(server: Running) -> None:
    sign_in = SignIn(core=sign_in_at(server))
    with pytest.raises(ConfigurationError, match="not installed"):
        asyncio.run(sign_in(WebSocket({"type": "websocket", "headers": []}, None, None)))  # type: ignore[arg-type]


def test_signing_out_has_the_last_word_over_a_renewal_before_it(server: Running) -> None:
    core = sign_in_at(server)
    with Person(server, core) as alice, django_asgi_app(core) as shop:
        alice.sign_in()
        session = core.current(alice.visit("/")).session
        assert session is not None
        shop.cookies.update(alice.cookies)
        server.clock.advance(700)  # so that the middleware renews the session that the view then ends
        out = shop.post("/sign-out", data={"csrf_token": session.csrf_token}, headers={"Origin": APP})
        assert out.status_code == 303
        (line,) = out.headers.get_list("set-cookie")
        assert line.strip().startswith("mintmark-session=")
        assert "Max-Age=0" in line
