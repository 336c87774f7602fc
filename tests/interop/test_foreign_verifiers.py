"""Our access tokens are accepted by verifiers that others wrote, from nothing but our published keys.

Each of them gets the same tokens of a real authorization server: a person's, the same one broken, one for
another audience, one that has expired, none at all.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from foreign_services import NginxUnavailable, nginx, node_services
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import jwt
from authorization_server.running import LEDGER_SECRET, Browser, Running, basic, claims_of
from mintmark.frameworks.starlette import Protect
from mintmark.frameworks.starlette import claims_of as checked_claims
from mintmark.jose.encoding import b64url_decode, b64url_encode, json_encode, json_object


@dataclass(frozen=True)
class Tokens:
    """What the verifiers are given, and whose the good one is."""

    issuer: str
    person: str
    good: str
    other_audience: str
    expired: str

    def tampered(self) -> Iterator[str]:
        """Another person's name under the old signature, one bit less, and no signature at all."""
        head, payload, signature = self.good.split(".")
        claims = json_object(b64url_decode(payload)) | {"sub": "mallory"}
        yield f"{head}.{b64url_encode(json_encode(claims))}.{signature}"
        octets = bytearray(b64url_decode(signature))
        octets[40] ^= 1
        yield f"{head}.{payload}.{b64url_encode(bytes(octets))}"
        unsigned = json_encode({"alg": "none", "typ": "at+jwt"})
        yield f"{b64url_encode(unsigned)}.{payload}."


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    """A real authorization server at today's time, and what it issued."""
    server = Running(tmp_path_factory.mktemp("issuer"))
    server.clock.now = time.time() - 3600  # others read the real clock, and one token is to be old
    with server, Browser(server) as browser:
        expired = browser.tokens()["access_token"]
        server.clock.now = time.time()
        good = browser.tokens()["access_token"]
        answer = browser.http.post(
            "/token", data={"grant_type": "client_credentials"}, headers=basic("ledger-job", LEDGER_SECRET)
        )
        other = answer.json()["access_token"]
        assert claims_of(good)["aud"] == "orders"
        assert claims_of(other)["aud"] == "ledger"
        yield Tokens(server.url, claims_of(good)["sub"], good, other, expired)


Ask = Callable[[str | None], str | None]
"""Gives a verifier a token; returns the person's name, or None for a refusal with 401."""


def asking(address: str, whose: Callable[[httpx.Response], str]) -> Ask:
    def ask(token: str | None) -> str | None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = httpx.get(address, headers=headers, timeout=30)
        if answer.status_code == 401:
            return None
        assert answer.status_code == 200, answer.text
        return whose(answer)

    return ask


@contextmanager
def node(name: str, request: pytest.FixtureRequest, tokens: Tokens) -> Iterator[Ask]:
    folder: Path = request.getfixturevalue("npm_folder")
    with node_services(folder, tokens.issuer, "orders") as address:
        yield asking(f"{address}/{name}", lambda answer: str(answer.json()["sub"]))


@contextmanager
def pyjwt(tokens: Tokens) -> Iterator[Ask]:
    """The usual recipe of a Python service."""
    keys = jwt.PyJWKClient(f"{tokens.issuer}/jwks")

    def ask(token: str | None) -> str | None:
        try:
            key = keys.get_signing_key_from_jwt(token or "")
            claims = jwt.decode(
                token or "", key, algorithms=["ES256"], audience="orders", issuer=tokens.issuer
            )
        except jwt.PyJWTError:
            return None
        return str(claims["sub"])

    yield ask


@contextmanager
def behind_nginx(request: pytest.FixtureRequest, tokens: Tokens) -> Iterator[Ask]:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("nginx")
    try:
        with checking_endpoint(tokens.issuer) as endpoint, nginx(folder, endpoint) as address:
            yield asking(f"{address}/orders.txt", whose_page)
    except NginxUnavailable as reason:
        pytest.skip(str(reason))


def whose_page(answer: httpx.Response) -> str:
    assert answer.text == "three orders"
    return answer.headers["x-person"]


@contextmanager
def checking_endpoint(issuer: str) -> Iterator[str]:
    """What nginx asks: 204 with the person's name, or our refusal."""
    protect = Protect(issuer, "orders")

    @protect("orders:read")
    async def check(request: Request) -> Response:
        return Response(status_code=204, headers={"X-Person": checked_claims(request).subject or ""})

    app = Starlette(routes=[Route("/", check)])
    protect.install(app)
    server = uvicorn.Server(uvicorn.Config(app, port=0, ws="none", log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


VERIFIERS: dict[str, Callable[[pytest.FixtureRequest, Tokens], Any]] = {
    "express-oauth2-jwt-bearer": lambda request, tokens: node("express", request, tokens),
    "jose with createRemoteJWKSet": lambda request, tokens: node("jose", request, tokens),
    "PyJWT with PyJWKClient": lambda request, tokens: pyjwt(tokens),
    "nginx with auth_request": behind_nginx,
}


@pytest.fixture(scope="module", params=VERIFIERS)
def ask(request: pytest.FixtureRequest, tokens: Tokens) -> Iterator[Ask]:
    with VERIFIERS[request.param](request, tokens) as ask:
        yield ask


def test_P12_our_access_token_is_accepted(ask: Ask, tokens: Tokens) -> None:
    assert ask(tokens.good) == tokens.person


def test_P7_a_tampered_one_is_refused(ask: Ask, tokens: Tokens) -> None:
    assert [ask(token) for token in tokens.tampered()] == [None, None, None]


def test_one_for_another_audience_is_refused(ask: Ask, tokens: Tokens) -> None:
    assert ask(tokens.other_audience) is None


def test_P11_an_expired_one_is_refused(ask: Ask, tokens: Tokens) -> None:
    assert ask(tokens.expired) is None


def test_a_request_without_one_is_refused(ask: Ask) -> None:
    assert ask(None) is None


def test_nginx_hands_our_challenge_on(request: pytest.FixtureRequest, tokens: Tokens) -> None:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("nginx")
    try:
        with checking_endpoint(tokens.issuer) as endpoint, nginx(folder, endpoint) as address:
            headers = {"Authorization": f"Bearer {tokens.expired}"}
            answer = httpx.get(f"{address}/orders.txt", headers=headers)
    except NginxUnavailable as reason:
        pytest.skip(str(reason))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
