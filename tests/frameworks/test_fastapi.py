"""FastAPI's own ways: the lock in /docs, typed claims, WebSockets, lifespan, a loop that never blocks."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel

from frameworks.calling import call_asgi
from frameworks.request_table import ISSUER, Down, bearer, make_server, mint
from frameworks.test_asgi import websocket
from mintmark.errors import ConfigurationError
from mintmark.frameworks.fastapi import Protect
from mintmark.jwt import Claims


@dataclass
class OrderClaims:
    sub: str
    client_id: str


class OrderModel(BaseModel):
    sub: str
    roles: list[str]


app = FastAPI()
protect = Protect(resource_server=make_server(external_url="https://api.example.com"), app=app)
Reader = Annotated[Claims, protect("orders:read")]


@app.get("/orders")
async def orders(who: Reader) -> dict[str, Any]:
    return {"sub": who.subject}


@app.get("/typed")
async def typed(who: Annotated[OrderClaims, protect(into=OrderClaims)]) -> dict[str, Any]:
    return {"type": type(who).__name__, "sub": who.sub}


@app.get("/model")
def model(who: Annotated[OrderModel, protect(into=OrderModel)]) -> dict[str, Any]:
    return {"type": type(who).__name__, "roles": who.roles}


@app.get("/maybe")
async def maybe(who: Annotated[Claims | None, protect("orders:read", optional=True)]) -> dict[str, Any]:
    return {"sub": who.subject if who else None}


@app.get("/open")
async def nobody() -> dict[str, Any]:
    return {}


@app.websocket("/live")
async def live(socket: WebSocket, who: Reader) -> None:
    await socket.accept()
    await socket.send_text(who.subject or "")


def test_the_documentation_shows_the_lock() -> None:
    schema = app.openapi()
    assert schema["components"]["securitySchemes"] == {
        "OpenID Connect": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{ISSUER}/.well-known/openid-configuration",
        }
    }
    assert schema["paths"]["/orders"]["get"]["security"] == [{"OpenID Connect": ["orders:read"]}]
    assert "security" not in schema["paths"]["/open"]["get"]
    assert not any("well-known" in path for path in schema["paths"])


def test_claims_come_typed() -> None:
    assert call_asgi(app, "GET", "/typed", bearer(mint())).body == b'{"type":"OrderClaims","sub":"alice"}'
    good = bearer(mint(roles=["a"]))
    assert call_asgi(app, "GET", "/model", good).body == b'{"type":"OrderModel","roles":["a"]}'


def test_claims_that_do_not_fit_the_type_are_refused() -> None:
    answer = call_asgi(app, "GET", "/model", bearer(mint(roles="a")))
    assert answer.status == 401
    assert "invalid_token" in (answer.header("www-authenticate") or "")


def test_an_optional_token_may_be_absent_and_must_not_be_bad() -> None:
    assert call_asgi(app, "GET", "/maybe").body == b'{"sub":null}'
    assert call_asgi(app, "GET", "/maybe", bearer(mint())).body == b'{"sub":"alice"}'
    assert call_asgi(app, "GET", "/maybe", bearer(mint(exp=1))).status == 401
    assert call_asgi(app, "GET", "/maybe", bearer(mint(scope="x"))).status == 403
    assert call_asgi(app, "GET", "/maybe", [("Authorization", "Bearer")]).status == 400


def test_a_websocket_is_protected_by_the_same_marker() -> None:
    assert websocket(app, bearer(mint()))[-1]["text"] == "alice"
    start, body = websocket(app, extensions={"websocket.http.response": {}})
    assert start["status"] == 401
    assert b"credentials_missing" in body["body"]


def test_without_install_status_and_challenge_are_still_right() -> None:
    bare = FastAPI()
    marker = Protect(resource_server=make_server())()

    @bare.get("/orders")
    async def endpoint(who: Claims = marker) -> None: ...

    answer = call_asgi(bare, "GET", "/orders")
    assert (answer.status, answer.header("www-authenticate")) == (401, 'Bearer realm="orders"')


def test_the_applications_own_lifespan_still_runs_inside() -> None:
    life: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        life.append("up")
        yield {"shared": 1}
        life.append("down")

    own = FastAPI(lifespan=lifespan)
    Protect("https://auth.example.com", "orders", app=own)

    async def run() -> None:
        async with own.router.lifespan_context(own) as state:
            assert state == {"shared": 1}

    asyncio.run(run())
    assert life == ["up", "down"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"issuer": "https://a.example"},
        {"resource_server": make_server(), "issuer": "https://a.example"},
        {"resource_server": make_server(), "leeway": 5.0},
    ],
)
def test_half_said_and_said_twice_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Protect(**arguments)


def test_the_loop_goes_on_while_keys_are_waited_for() -> None:
    class Slow(Down):
        async def arefresh(self, kid: str | None) -> Any:
            await asyncio.sleep(0.2)
            return await super().arefresh(kid)

        def refresh(self, kid: str | None) -> Any:
            raise AssertionError("the blocking form was used in the event loop")

    slow = FastAPI()
    marker = Protect(resource_server=make_server(keys=Slow()), app=slow)()

    @slow.get("/orders")
    async def endpoint(who: Claims = marker) -> None: ...

    async def many() -> list[int]:
        transport = httpx.ASGITransport(slow)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            headers = dict(bearer(mint()))
            answers = await asyncio.gather(*(client.get("/orders", headers=headers) for _ in range(20)))
        return [answer.status_code for answer in answers]

    began = time.monotonic()
    assert asyncio.run(many()) == [503] * 20
    assert time.monotonic() - began < 2.0
