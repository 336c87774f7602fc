"""Getting tokens from a token endpoint over a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mintmark.client import TokenClient, TokenRefused
from mintmark.errors import ConfigurationError, FetchFailed
from mintmark.jose.jwk import Key
from mintmark.jwt import CLIENT_ASSERTION, Verifier
from net.scripted_server import ScriptedServer, Seen, reply, serving


class Endpoint:
    """A token endpoint that numbers its tokens."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.expires_in: object = 600
        self.broken: bytes | None = None
        self.hold: threading.Event | None = None
        self.asked: list[dict[str, str]] = []
        self.server: ScriptedServer

    def clock(self) -> float:
        return self.now

    def answer(self, seen: Seen, _: socket.socket) -> bytes:
        if seen.method == "GET":
            issuer = self.server.url
            return reply(json.dumps({"issuer": issuer, "token_endpoint": f"{issuer}/token"}).encode())
        self.asked.append(dict(parse_qsl(seen.body.decode())))
        number = len(self.asked)
        if self.hold is not None:
            self.hold.wait(10)
        if self.broken is not None:
            return self.broken
        members = {"access_token": f"t{number}", "token_type": "bearer", "expires_in": self.expires_in}
        return reply(json.dumps(members | {"scope": "a"}).encode())


@pytest.fixture
def world() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    with serving(endpoint.answer) as server:
        endpoint.server = server
        yield endpoint


def client(world: Endpoint, **options: Any) -> TokenClient:
    return TokenClient(
        world.server.url, "orders", "s:3 cr%t", clock=world.clock, jitter=lambda: 0.0, **options
    )


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_client_credentials_are_asked_for_once_and_kept(world: Endpoint) -> None:
    tokens = client(world)
    token = tokens.client_credentials(scope=["a", "b"], resource="https://api.example.com")
    assert (token.access_token, token.authorization, token.scope) == ("t1", "Bearer t1", "a")
    assert token.expires_at == world.now + 600
    assert tokens.client_credentials(scope="a b", resource="https://api.example.com") is token
    assert world.asked == [
        {"grant_type": "client_credentials", "scope": "a b", "resource": "https://api.example.com"}
    ]
    sent = world.server.seen[-1].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"orders:s%3A3+cr%25t"
    assert tokens.client_credentials().access_token == "t2"


def test_a_key_stands_in_for_a_secret_with_an_assertion_per_request(world: Endpoint) -> None:
    key = Key.generate("ES256")
    tokens = TokenClient(world.server.url, "orders", client_key=key, clock=world.clock)
    tokens.client_credentials()
    tokens.client_credentials(scope="a")
    verifier = Verifier(
        issuer="orders",
        audience=world.server.url,
        keys=key.public,
        profile=CLIENT_ASSERTION,
        clock=world.clock,
    )
    claims = [verifier.verify(asked["client_assertion"]) for asked in world.asked]
    assert claims[0].subject == "orders"
    assert claims[0].jwt_id != claims[1].jwt_id
    assert claims[0].expires_at == world.now + 60
    assert world.asked[0]["client_assertion_type"].endswith(":jwt-bearer")
    assert "authorization" not in world.server.seen[-1].headers


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"client_secret": "s", "client_key": Key.generate("ES256")},
        {"client_secret": "s", "public": True},
        {"client_key": Key.generate("ES256"), "public": True},
    ],
)
def test_a_client_has_one_way_to_show_who_it_is(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        TokenClient("https://a.example", "c", **options)


def test_a_public_client_says_its_name_and_no_more(world: Endpoint) -> None:
    TokenClient(world.server.url, "orders", public=True, clock=world.clock).exchange("alices")
    assert world.asked[0]["client_id"] == "orders"
    assert "authorization" not in world.server.seen[-1].headers


def test_exchange_names_the_person_and_the_service_to_call(world: Endpoint) -> None:
    tokens = client(world)
    token = tokens.exchange("alices", audience="billing", scope="billing:read")
    assert world.asked == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "alices",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": "billing",
            "scope": "billing:read",
        }
    ]
    assert tokens.exchange("alices", audience="billing", scope="billing:read") is token
    assert tokens.exchange("bobs", audience="billing", scope="billing:read") is not token


def test_asyncio_gets_the_same(world: Endpoint) -> None:
    tokens = client(world)
    assert asyncio.run(tokens.aclient_credentials()).access_token == "t1"
    assert asyncio.run(tokens.aexchange("alices", audience="billing")).access_token == "t2"
    assert tokens.client_credentials().access_token == "t1"


def test_threads_and_tasks_that_come_together_ask_once(world: Endpoint) -> None:
    tokens = client(world)
    world.hold = threading.Event()

    async def crowd() -> set[str]:
        beside = asyncio.gather(*(asyncio.to_thread(tokens.client_credentials) for _ in range(4)))
        tasks = [asyncio.create_task(tokens.aclient_credentials()) for _ in range(100)]
        await asyncio.sleep(0.05)
        assert world.hold is not None
        world.hold.set()
        return {token.access_token for token in [*await asyncio.gather(*tasks), *await beside]}

    assert asyncio.run(crowd()) == {"t1"}


def test_renewal_happens_ahead_while_the_old_token_serves(world: Endpoint) -> None:
    tokens = client(world)
    tokens.client_credentials()
    world.now += 460.0
    assert tokens.client_credentials().access_token == "t1"
    eventually(lambda: tokens.client_credentials().access_token == "t2")
    world.now += 600.0
    assert tokens.client_credentials().access_token == "t3"


def test_a_failing_renewal_leaves_the_old_token(world: Endpoint) -> None:
    tokens = client(world)
    tokens.client_credentials()
    world.broken = reply(status="500 No")
    world.now += 460.0
    for _ in range(5):
        assert tokens.client_credentials().access_token == "t1"
    eventually(lambda: len(world.asked) == 2)
    world.now += 140.0
    with pytest.raises(FetchFailed):
        tokens.client_credentials()


def test_a_token_that_lives_too_short_to_keep_is_used_once(world: Endpoint) -> None:
    world.expires_in = 1
    tokens = client(world)
    assert [tokens.client_credentials().access_token for _ in range(3)] == ["t1", "t2", "t3"]


def test_a_forgotten_token_is_replaced(world: Endpoint) -> None:
    tokens = client(world)
    tokens.forget(tokens.client_credentials())
    assert tokens.client_credentials().access_token == "t2"


def test_what_is_held_is_bounded(world: Endpoint) -> None:
    tokens = client(world, most=3)
    for person in "abcde":
        tokens.exchange(person)
    assert len(tokens._keeper) == 3
    tokens.exchange("e")
    assert len(world.asked) == 5


def test_a_refusal_says_why_and_is_not_repeated_at_once(world: Endpoint) -> None:
    body = b'{"error":"invalid_client","error_description":"wrong \\"secret\\"\\n"}'
    world.broken = reply(body, status="401 Unauthorized")
    tokens = client(world)
    for _ in range(5):
        with pytest.raises(TokenRefused, match="invalid_client") as caught:
            tokens.client_credentials()
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
    assert "client_secret" in (caught.value.hint or "")
    assert "\n" not in str(caught.value)
    assert len(world.asked) == 1
    world.broken = None
    world.now += 1.0
    assert tokens.client_credentials().access_token == "t2"


@pytest.mark.parametrize(
    "wire",
    [
        reply(b"<html>"),
        reply(b"{}"),
        reply(b'{"access_token":"t"}'),
        reply(b'{"access_token":"","token_type":"Bearer"}'),
        reply(b'{"access_token":"t\\r\\nX: y","token_type":"Bearer"}'),
        reply('{"access_token":"t\u00fc","token_type":"Bearer"}'.encode()),
        reply(b'{"access_token":"t","token_type":"mac"}'),
        reply(b'{"error":"x"}', status="500 No"),
        reply(b"{}", status="400 Bad"),
        reply(status="302 Found", headers={"Location": "https://evil.example"}),
        b"",
    ],
)
def test_odd_answers_are_no_tokens(world: Endpoint, wire: bytes) -> None:
    world.broken = wire
    with pytest.raises(FetchFailed):
        client(world).client_credentials()


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [(60, 60), ("60", 60), (1.5, 1.5), (None, 60), (True, 60), ("x", 60), (-5, 0), (1e12, 86400)],
)
def test_lifetimes_are_read_with_care(world: Endpoint, said: object, lifetime: float) -> None:
    world.expires_in = said
    assert client(world).client_credentials().expires_at == world.now + lifetime


def test_no_token_is_ever_shown(world: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    tokens = client(world)
    assert "t1" not in repr(tokens.client_credentials())
    world.broken = reply(b'{"error":"invalid_grant"}', status="400 Bad")
    with pytest.raises(TokenRefused) as caught:
        tokens.exchange("alices-token")
    assert "alices-token" not in caplog.text + str(caught.value.details()) + repr(tokens)
    assert "s:3 cr%t" not in caplog.text + repr(vars(tokens))


def test_a_slow_issuer_costs_a_caller_patience_not_more(world: Endpoint) -> None:
    world.hold = threading.Event()
    tokens = client(world, patience=0.05)
    with pytest.raises(FetchFailed, match="in time"):
        tokens.client_credentials()
    world.hold.set()
    eventually(lambda: len(tokens._keeper) == 1)
    assert tokens.client_credentials().access_token == "t1"
