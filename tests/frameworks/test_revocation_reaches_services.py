"""What the issuer revokes is refused within a second by services of three kinds (row O11)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import grpc
import pytest

from frameworks.apps import BUILDERS
from frameworks.request_table import KEY
from mintmark.frameworks.grpc import ProtectInterceptor, current_claims
from mintmark.jose import jws
from mintmark.jose.encoding import json_encode
from mintmark.jose.jwks import KeySet
from mintmark.jwt.sources import FixedKeys
from mintmark.resource_server import FeedPolicy, Require, ResourceServer, RevocationFeed
from net.scripted_server import reply, serving
from resource_server import test_revocation_feed
from resource_server.test_revocation_feed import FeedServer

Ask = Callable[[str], bool]
POLICY = FeedPolicy(retry_first=0.01, retry_most=0.05, heartbeat_timeout=5.0)


@pytest.fixture
def world() -> Iterator[FeedServer]:
    feed_server = FeedServer()
    with serving(feed_server.answer) as server:
        feed_server.server = server
        yield feed_server


def token(world: FeedServer, **claims: Any) -> str:
    now = int(world.clock.now)
    members = {"iss": world.server.url, "aud": "orders", "sub": "alice", "client_id": "app", "iat": now}
    return jws.sign(json_encode(members | {"exp": now + 600} | claims), KEY, header={"typ": "at+jwt"})


@contextmanager
def service(kind: str, server: ResourceServer) -> Iterator[Ask]:
    if kind != "grpc":
        driver = BUILDERS[kind](server, {"/orders": Require()})
        yield lambda text: driver("GET", "/orders", [("Authorization", f"Bearer {text}")]).status == 200
        return
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: bool(current_claims()) and b"")
    with ThreadPoolExecutor(1) as pool:
        running = grpc.server(pool, interceptors=[ProtectInterceptor(server)])
        running.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("t", {"m": handler})])
        port = running.add_insecure_port("127.0.0.1:0")
        running.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield partial(_call, channel.unary_unary("/t/m"))
        running.stop(None).wait()


def _call(method: Any, text: str) -> bool:
    call = method.future(b"", metadata=[("authorization", f"Bearer {text}")], timeout=10)
    code = call.code()
    assert code in (grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED)
    return bool(code is grpc.StatusCode.OK)


def refused_after(ask: Ask, text: str) -> float:
    began = time.monotonic()
    while ask(text):
        assert time.monotonic() - began < 5
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["fastapi", "django", "grpc"])
def test_O11_revocation_reaches_a_service_within_a_second_and_after_a_cut(
    world: FeedServer, kind: str
) -> None:
    with ExitStack() as stack:
        feed = stack.enter_context(
            RevocationFeed(
                world.server.url,
                client_id="orders",
                client_secret="secret",
                when_stale="refuse",
                keys=FixedKeys(KeySet([test_revocation_feed.KEY.public])),
                policy=POLICY,
                clock=world.clock,
            )
        )
        server = ResourceServer(
            world.server.url,
            "orders",
            keys=KeySet([KEY.public]),
            revocations=feed,
            clock=world.clock,
        )
        ask = stack.enter_context(service(kind, server))
        assert feed.wait(5)
        first, second, other = (token(world, jti=name, sid=name) for name in ("s1", "s2", "s3"))
        assert ask(first)
        world.deny("sid", "s1")
        assert refused_after(ask, first) < 1.0
        assert ask(second)
        world.refusal = reply(status="503 Busy")
        world.server.cut()
        world.deny("jti", "s2")
        world.refusal = None
        assert refused_after(ask, second) < 1.0
        assert ask(other)
