"""gRPC, threaded and asyncio: the table of requests by the stated map, all four kinds of methods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from frameworks.request_table import CASES, ROUTES, SERVERS, Case, bearer, make_server, mint
from mintmark.errors import ConfigurationError
from mintmark.frameworks.grpc import (
    STATUS,
    AsyncProtectInterceptor,
    ProtectInterceptor,
    current_claims,
)
from mintmark.resource_server import ResourceServer

METHODS = {f"/t{path}": require for path, require in ROUTES.items()}
PUBLIC = ("/t/public",)


@dataclass(frozen=True)
class Outcome:
    code: grpc.StatusCode
    trailing: dict[str, str]
    answers: list[bytes]


def whoami(request: bytes, context: Any) -> bytes:
    return (current_claims().subject or "").encode()


def count(request: bytes, context: Any) -> Iterator[bytes]:
    for _ in range(3):
        yield whoami(request, context)


def total(requests: Iterator[bytes], context: Any) -> bytes:
    return b"".join(requests) + whoami(b"", context)


def echo(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
    for request in requests:
        yield request + whoami(b"", context)


def public(request: bytes, context: Any) -> bytes:
    with pytest.raises(ConfigurationError):
        current_claims()
    return b"nobody"


async def awhoami(request: bytes, context: Any) -> bytes:
    return whoami(request, context)


async def acount(request: bytes, context: Any) -> AsyncIterator[bytes]:
    for _ in range(3):
        yield whoami(request, context)


async def atotal(requests: AsyncIterator[bytes], context: Any) -> bytes:
    return b"".join([request async for request in requests]) + whoami(b"", context)


async def awrite(requests: AsyncIterator[bytes], context: Any) -> None:
    async for request in requests:
        await context.write(request + whoami(b"", context))


class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, one: Any, many: Any, collect: Any, both: Any, sync: Any) -> None:
        self._kinds = {
            "/t/count": grpc.unary_stream_rpc_method_handler(many),
            "/t/total": grpc.stream_unary_rpc_method_handler(collect),
            "/t/echo": grpc.stream_stream_rpc_method_handler(both),
            "/t/public": grpc.unary_unary_rpc_method_handler(public),
            "/t/sync": grpc.unary_unary_rpc_method_handler(sync),
        } | {name: grpc.unary_unary_rpc_method_handler(one) for name in METHODS}

    def service(self, details: Any) -> Any:
        return self._kinds.get(details.method)


@contextmanager
def threaded(server: ResourceServer) -> Iterator[grpc.Channel]:
    interceptor = ProtectInterceptor(server, methods=METHODS, public=PUBLIC)
    with ThreadPoolExecutor(1) as pool:  # one thread: what one call leaves behind the next would see
        running = grpc.server(pool, interceptors=[interceptor])
        running.add_generic_rpc_handlers([Handlers(whoami, count, total, echo, whoami)])
        port = running.add_insecure_port("127.0.0.1:0")
        running.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
        running.stop(None).wait()


@asynccontextmanager
async def asynchronous(server: ResourceServer) -> AsyncIterator[Any]:
    interceptor = AsyncProtectInterceptor(server, methods=METHODS, public=PUBLIC)
    running = grpc.aio.server(interceptors=[interceptor])
    running.add_generic_rpc_handlers([Handlers(awhoami, acount, atotal, awrite, whoami)])
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await running.stop(None)


def metadata(headers: Any) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers]


def expect(case: Case, code: grpc.StatusCode, trailing: Any) -> None:
    found = dict(trailing or ())
    if case.status == 200:
        assert code is grpc.StatusCode.OK
        return
    assert code is STATUS[case.status]
    assert found.get("www-authenticate") == case.challenge
    assert found.get("retry-after") == case.retry_after
    assert found["mintmark-reason"] == case.reason


def test_the_table_by_the_stated_map_threaded() -> None:
    for name, server in SERVERS.items():
        with threaded(server) as channel:
            for case in (case for case in CASES if case.server == name):
                call = channel.unary_unary(f"/t{case.path}")
                try:
                    _, done = call.with_call(b"", metadata=metadata(case.headers), timeout=10)
                except grpc.RpcError as error:
                    expect(case, error.code(), error.trailing_metadata())
                else:
                    expect(case, done.code(), done.trailing_metadata())


def test_the_table_by_the_stated_map_asynchronous() -> None:
    async def run() -> None:
        for name, server in SERVERS.items():
            async with asynchronous(server) as channel:
                for case in (case for case in CASES if case.server == name):
                    call = channel.unary_unary(f"/t{case.path}")(
                        b"", metadata=metadata(case.headers), timeout=10
                    )
                    code, trailing = await call.code(), await call.trailing_metadata()
                    expect(case, code, trailing)

    asyncio.run(run())


GOOD = metadata(bearer(mint()))


def test_all_kinds_of_methods_know_who_calls_threaded() -> None:
    with threaded(make_server()) as channel:
        assert list(channel.unary_stream("/t/count")(b"", metadata=GOOD)) == [b"alice"] * 3
        assert channel.stream_unary("/t/total")(iter([b"a", b"b"]), metadata=GOOD) == b"abalice"
        assert list(channel.stream_stream("/t/echo")(iter([b"a"]), metadata=GOOD)) == [b"aalice"]
        assert channel.unary_unary("/t/public")(b"") == b"nobody"  # in the thread that just served alice
        with pytest.raises(grpc.RpcError) as caught:
            list(channel.unary_stream("/t/count")(b""))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/t/absent")(b"", metadata=GOOD)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]


def test_all_kinds_of_methods_know_who_calls_asynchronous() -> None:
    async def run() -> None:
        async with asynchronous(make_server()) as channel:
            counted = channel.unary_stream("/t/count")(b"", metadata=GOOD)
            assert [answer async for answer in counted] == [b"alice"] * 3
            assert await channel.stream_unary("/t/total")(iter([b"a", b"b"]), metadata=GOOD) == b"abalice"
            echoed = channel.stream_stream("/t/echo")(iter([b"a"]), metadata=GOOD)
            assert [answer async for answer in echoed] == [b"aalice"]
            assert await channel.unary_unary("/t/sync")(b"", metadata=GOOD) == b"alice"
            assert await channel.unary_unary("/t/public")(b"") == b"nobody"
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary("/t/plain")(b"")
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(run())
