"""The services of examples/services are started as they are and recognise people."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from mintmark.jose import jws
from mintmark.jose.encoding import json_encode
from mintmark.net import Limits, Response, fetch
from resource_server.fake_issuer import KEY_A, FakeIssuer, issuing

EXAMPLES = Path(__file__).parents[2] / "examples" / "services"
HTTP = ["asgi", "fastapi", "starlette", "wsgi", "flask", "django", "drf"]


@contextmanager
def running(name: str, issuer: str) -> Iterator[str]:
    """Start a service on a port of its own choice; give its host and port."""
    environment = os.environ | {"PORT": "0", "MINTMARK_ISSUER": issuer, "PYTHONUNBUFFERED": "1"}
    arguments = [sys.executable, str(EXAMPLES / f"{name}_service.py")]
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            seen = ""
            while (found := re.search(r"127\.0\.0\.1:(\d+)", seen.replace(issuer, ""))) is None:
                line = process.stdout.readline()
                assert line, f"the service ended: {seen}"
                seen += line
            yield found[0]
        finally:
            process.terminate()
            process.communicate(timeout=20)


def token(issuer: FakeIssuer, scope: str) -> str:
    now = int(time.time())
    claims = {"iss": issuer.issuer, "aud": "orders", "sub": "alice", "client_id": "app", "jti": "t"}
    claims |= {"iat": now, "exp": now + 600, "scope": scope}  # type: ignore[dict-item]
    return jws.sign(json_encode(claims), KEY_A, header={"typ": "at+jwt"})


def get(address: str, path: str, bearer: str | None = None) -> Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return fetch(f"http://{address}{path}", headers=headers, limits=Limits(read=20.0, total=30.0))


@pytest.mark.parametrize("name", HTTP)
def test_P5_a_service_of_under_forty_lines_recognises_a_person_by_itself(name: str) -> None:
    with issuing(KEY_A) as issuer, running(name, issuer.issuer) as address:
        assert json.loads(get(address, "/health").body) == {"person": None}
        assert json.loads(get(address, "/orders", token(issuer, "orders:read")).body) == {"person": "alice"}
        assert get(address, "/orders").headers["www-authenticate"] == 'Bearer realm="orders"'
        refused = get(address, "/orders", token(issuer, "other"))
        assert refused.status == 403
        assert 'scope="orders:read"' in refused.headers["www-authenticate"]
        assert issuer.fetches == 1


def test_the_grpc_service_recognises_a_person() -> None:
    with (
        issuing(KEY_A) as issuer,
        running("grpc", issuer.issuer) as address,
        grpc.insecure_channel(address) as channel,
    ):
        call = channel.unary_unary("/shop.Orders/GetOrders")
        metadata = [("authorization", f"Bearer {token(issuer, 'orders:read')}")]
        assert call(b"", metadata=metadata, timeout=20) == b"alice"
        assert channel.unary_unary("/shop.Orders/Health")(b"", timeout=20) == b"ok"
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=20)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*HTTP, "grpc"])
def test_each_example_is_short(name: str) -> None:
    lines = (EXAMPLES / f"{name}_service.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 40
