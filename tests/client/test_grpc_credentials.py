"""gRPC call credentials, over a channel that counts as secure."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from mintmark.client import Token
from mintmark.client.grpc import token_credentials
from mintmark.errors import FetchFailed


class Source:
    """Gives one token, or fails."""

    proofs = None

    def __init__(self, works: bool) -> None:
        self.works = works

    def token(self) -> Token:
        if not self.works:
            raise FetchFailed("the issuer is down")
        return Token("abc", 2e9)

    async def atoken(self) -> Token:
        return self.token()

    def forget(self, token: Token) -> None: ...


class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]
    def service(self, details: Any) -> Any:
        def answer(request: bytes, context: Any) -> bytes:
            return str(dict(context.invocation_metadata()).get("authorization", "")).encode()

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def calling(source: Source) -> Iterator[Any]:
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers([Echo()])
        port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
        server.start()
        credentials = grpc.composite_channel_credentials(
            grpc.local_channel_credentials(), token_credentials(source)
        )
        with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            yield channel.unary_unary("/t/whoami")
        server.stop(None).wait()


def test_each_call_carries_the_token() -> None:
    with calling(Source(works=True)) as call:
        assert call(b"", timeout=10) == b"Bearer abc"


def test_without_a_token_no_call_is_made() -> None:
    with calling(Source(works=False)) as call, pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]
