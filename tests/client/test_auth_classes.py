"""httpx, requests and aiohttp call a real service with our tokens, bound ones included."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from client.test_token_client import Endpoint
from mintmark.client import ClientCredentials, OnBehalfOf, TokenClient, TokenSource
from mintmark.client import aiohttp as aiohttp_client
from mintmark.client import httpx as httpx_client
from mintmark.client import requests as requests_client
from mintmark.jose import jws
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.resource_server import DPoP, Nonces, Refusal, ResourceServer, SimpleRequest
from net.scripted_server import ScriptedServer, Seen, reply, serving

KEY = Key.generate("ES256", kid="k1")
HOLDER = Key.generate("ES256")


class Service:
    """A service that checks tokens in earnest, and can be told to call the first one revoked."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.dpop: DPoP | None = None
        self.revoked: set[str] = set()
        self.bodies: list[bytes] = []
        self.server: ScriptedServer
        self.orders: ResourceServer

    def answer(self, seen: Seen, _: socket.socket) -> bytes:
        asked = SimpleRequest(seen.headers, method=seen.method, url=seen.path)
        self.bodies.append(seen.body)
        try:
            claims = self.orders.check(asked)
        except Refusal as refusal:
            return reply(refusal.body, status=f"{refusal.status} Refused", headers=dict(refusal.headers))
        if claims.jwt_id in self.revoked:
            return reply(status="401 No", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return reply((claims.jwt_id or "").encode())


class Mint(Endpoint):
    """A token endpoint that issues real access tokens, bound to the proof's key if there is a proof."""

    nonce: str | None = None

    def answer(self, seen: Seen, connection: socket.socket) -> bytes:
        if seen.method == "GET":
            return super().answer(seen, connection)
        proof = seen.headers.get("dpop")
        said = json.loads(jws.parse_compact(proof).payload).get("nonce") if proof is not None else self.nonce
        if self.nonce is not None and said != self.nonce:
            body = b'{"error":"use_dpop_nonce"}'
            return reply(body, status="400 Bad", headers={"DPoP-Nonce": self.nonce})
        self.asked.append({"form": seen.body.decode()})
        claims: dict[str, Any] = {
            "iss": self.server.url,
            "aud": "orders",
            "sub": "alice",
            "client_id": "c",
            "iat": int(self.now),
            "exp": int(self.now) + 600,
            "jti": f"t{len(self.asked)}",
        }
        if proof is not None:
            claims["cnf"] = {"jkt": HOLDER.thumbprint}
        token = jws.sign(json_encode(claims), KEY, header={"typ": "at+jwt"})
        kind = "DPoP" if proof is not None else "Bearer"
        return reply(json.dumps({"access_token": token, "token_type": kind, "expires_in": 600}).encode())


@pytest.fixture
def world() -> Iterator[tuple[Mint, Service]]:
    mint = Mint()
    service = Service(mint)
    with ExitStack() as stack:
        mint.server = stack.enter_context(serving(mint.answer))
        service.server = stack.enter_context(serving(service.answer))
        take(service)
        yield mint, service


def take(service: Service, dpop: DPoP | None = None) -> None:
    service.orders = ResourceServer(
        service.endpoint.server.url,
        "orders",
        keys=KeySet([KEY.public]),
        clock=service.endpoint.clock,
        external_url=service.server.url,
        dpop=dpop,
    )


Call = Callable[[TokenSource, str, str, Any], tuple[int, str]]


def with_httpx(source: TokenSource, method: str, url: str, body: Any = None) -> tuple[int, str]:
    with httpx.Client(auth=httpx_client.TokenAuth(source)) as client:
        answer = client.request(method, url, content=body)
        return answer.status_code, answer.text


def with_async_httpx(source: TokenSource, method: str, url: str, body: Any = None) -> tuple[int, str]:
    async def call() -> tuple[int, str]:
        async with httpx.AsyncClient(auth=httpx_client.TokenAuth(source)) as client:
            answer = await client.request(method, url, content=body)
            return answer.status_code, answer.text

    return asyncio.run(call())


def with_requests(source: TokenSource, method: str, url: str, body: Any = None) -> tuple[int, str]:
    with requests.Session() as session:
        session.auth = requests_client.TokenAuth(source)
        answer = session.request(method, url, data=body, timeout=10)
        return answer.status_code, answer.text


def with_aiohttp(source: TokenSource, method: str, url: str, body: Any = None) -> tuple[int, str]:
    async def call() -> tuple[int, str]:
        middlewares = (aiohttp_client.token_middleware(source),)
        async with (
            aiohttp.ClientSession(middlewares=middlewares) as session,
            session.request(method, url, data=body) as answer,
        ):
            return answer.status, await answer.text()

    return asyncio.run(call())


CALLS = [with_httpx, with_async_httpx, with_requests, with_aiohttp]


def source(mint: Mint, **options: Any) -> ClientCredentials:
    return ClientCredentials(TokenClient(mint.server.url, "c", "s", clock=mint.clock, **options))


@pytest.mark.parametrize("call", CALLS)
def test_every_call_carries_the_token(world: Any, call: Call) -> None:
    mint, service = world
    tokens = source(mint)
    assert call(tokens, "GET", f"{service.server.url}/orders?a=b", None) == (200, "t1")
    assert call(tokens, "GET", f"{service.server.url}/orders", None) == (200, "t1")
    person = OnBehalfOf(tokens.client, "alices", audience="orders")
    assert call(person, "GET", f"{service.server.url}/orders", None) == (200, "t2")
    assert "alices" not in repr(person)


@pytest.mark.parametrize("call", CALLS)
def test_a_token_that_is_called_invalid_is_replaced_once(world: Any, call: Call) -> None:
    mint, service = world
    tokens = source(mint)
    service.revoked = {"t1"}
    assert call(tokens, "POST", f"{service.server.url}/orders", b"the body") == (200, "t2")
    assert service.bodies == [b"the body", b"the body"]
    service.revoked = {"t2", "t3", "t4"}
    assert call(tokens, "GET", f"{service.server.url}/orders", None)[0] == 401
    assert len(service.bodies) == 4


@pytest.mark.parametrize("call", CALLS)
def test_bound_tokens_come_with_proofs_and_nonces_are_learned(world: Any, call: Call) -> None:
    mint, service = world
    mint.nonce = "token-endpoint-nonce"
    take(service, DPoP(required=True, nonces=Nonces(b"s" * 32)))
    tokens = source(mint, dpop_key=HOLDER)
    assert call(tokens, "GET", f"{service.server.url}/orders?a=b", None) == (200, "t1")
    assert call(tokens, "GET", f"{service.server.url}/orders?a=b", None) == (200, "t1")
    assert len(service.bodies) == 3  # the nonce was asked for once
    assert len(mint.asked) == 1


def test_requests_rewinds_a_body_that_is_a_file(world: Any) -> None:
    mint, service = world
    service.revoked = {"t1"}
    url = f"{service.server.url}/orders"
    assert with_requests(source(mint), "POST", url, io.BytesIO(b"a file")) == (200, "t2")
    assert service.bodies == [b"a file", b"a file"]


@pytest.mark.parametrize("call", CALLS)
def test_a_403_is_the_callers_business(world: Any, call: Call) -> None:
    mint, _ = world
    refuse = reply(status="403 No", headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
    with serving(lambda seen, connection: refuse) as service:
        assert call(source(mint), "GET", service.url, None)[0] == 403
        assert len(service.seen) == 1


def following_with_httpx(source: TokenSource, method: str, url: str, body: Any = None) -> tuple[int, str]:
    with httpx.Client(auth=httpx_client.TokenAuth(source), follow_redirects=True) as client:
        answer = client.request(method, url, content=body)
        return answer.status_code, answer.text


@pytest.mark.parametrize("call", [following_with_httpx, with_requests, with_aiohttp])
def test_O16_a_redirect_to_another_host_takes_no_token_along(world: Any, call: Call) -> None:
    """Not even when that host calls the token invalid, and sends the caller on once more."""
    mint, service = world
    wants = reply(status="401 No", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    with (
        serving(lambda seen, connection: wants) as thief,
        serving(
            lambda seen, connection: reply(status="307 On", headers={"Location": f"{thief.url}/end"})
        ) as fence,
        serving(
            lambda seen, connection: reply(status="302 On", headers={"Location": f"{fence.url}/on"})
        ) as honest,
    ):
        tokens = source(mint)
        assert call(tokens, "GET", f"{honest.url}/orders", None)[0] == 401
        assert all("authorization" in seen.headers for seen in honest.seen)
        assert thief.seen
        assert not [seen for seen in (*fence.seen, *thief.seen) if "authorization" in seen.headers]
    assert call(tokens, "GET", f"{service.server.url}/orders", None)[0] == 200


@pytest.mark.parametrize("call", [following_with_httpx, with_requests, with_aiohttp])
def test_a_redirect_within_one_host_keeps_the_token(world: Any, call: Call) -> None:
    mint, service = world
    orders = service.answer

    def moved(seen: Seen, connection: socket.socket) -> bytes:
        if seen.path == "/old":
            return reply(status="302 On", headers={"Location": "/orders"})
        return orders(seen, connection)

    service.server.handler = moved
    assert call(source(mint), "GET", f"{service.server.url}/old", None) == (200, "t1")


def pieces_for(call: Call) -> Any:
    """A body that can be read once."""

    async def asynchronous() -> AsyncIterator[bytes]:
        yield b"piece"

    return iter([b"piece"]) if call in (with_httpx, with_requests) else asynchronous()


@pytest.mark.parametrize("call", CALLS)
def test_a_body_that_has_been_read_is_not_sent_once_more(world: Any, call: Call) -> None:
    """It would be empty, and the service would take it for the whole; the next call gets another token."""
    mint, service = world
    invalid = reply(status="401 No", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def answer(seen: Seen, connection: socket.socket) -> bytes:
        body = seen.body
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(1000)
        return invalid

    tokens = source(mint)
    with serving(answer) as refusing:
        assert call(tokens, "POST", f"{refusing.url}/orders", pieces_for(call))[0] == 401
        assert len(refusing.seen) == 1
    assert call(tokens, "POST", f"{service.server.url}/orders", b"whole") == (200, "t2")
