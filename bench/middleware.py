"""What protection adds to one request: an application of each framework bare, with the usual recipe, with
ours.

The usual recipe is what PyJWT's documentation says: ``PyJWKClient`` and ``decode``, with one scope checked by
hand, in the form that costs the least (a coroutine, no thread). The requests are ASGI calls without a socket,
and each side gets its keys once from the same issuer over loopback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from material import AUDIENCE, claims
from measure import Contender, Result, race, say
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mintmark import Key, jws
from mintmark.frameworks import fastapi as ours
from mintmark.frameworks.asgi import ProtectMiddleware
from mintmark.jose.encoding import json_encode
from mintmark.jwt import Claims
from mintmark.resource_server import Require, ResourceServer
from mintmark.testing import LocalIssuer

__all__ = ["middleware"]

SCOPE = "orders:read"
BARE, RECIPE, OURS = "bare", "PyJWT with PyJWKClient", "mintmark"

App = Callable[..., Coroutine[Any, Any, None]]
Check = Callable[[str], dict[str, Any]]


def middleware(modules: dict[str, Any], absent: dict[str, str]) -> None:
    """Starlette with a middleware and FastAPI with a dependency; a token seen before, and tokens never
    seen.
    """
    if "PyJWT" not in modules:
        say(f"\nmiddleware: PyJWT {absent['PyJWT']}")
        return
    for alg in ("ES256", "RS256"):
        with LocalIssuer(alg=alg) as issuer:
            applications = {
                "Starlette, middleware": _starlettes(modules["PyJWT"], issuer.url, alg),
                "FastAPI, dependency": _fastapis(modules["PyJWT"], issuer.url, alg),
            }
            mint = _minting(issuer.key, issuer.url)
            for framework, apps in applications.items():
                for app in apps.values():  # the first request fetches keys, and so needs an event loop
                    asyncio.run(_request(app, f"Bearer {mint()}".encode(), []))
                _show(f"one request, {framework}, {alg}, repeated token", race(_contenders(apps, [mint()])))
                _show(f"one request, {framework}, {alg}, fresh tokens", race(_contenders(apps, mint)))


# --- the applications ---


def _recipe(pyjwt: Any, issuer: str, alg: str) -> Check:
    keys = pyjwt.PyJWKClient(f"{issuer}/jwks")

    def check(token: str) -> dict[str, Any]:
        key = keys.get_signing_key_from_jwt(token)
        found: dict[str, Any] = pyjwt.decode(token, key, algorithms=[alg], audience=AUDIENCE, issuer=issuer)
        if SCOPE not in found["scope"].split():
            raise PermissionError
        return found

    return check


def _starlettes(pyjwt: Any, issuer: str, alg: str) -> dict[str, App]:
    async def orders(_: Request) -> Response:
        return PlainTextResponse("three orders")

    bare, check = Starlette(routes=[Route("/orders", orders)]), _recipe(pyjwt, issuer, alg)

    async def recipe(scope: Any, receive: Any, send: Any) -> None:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise PermissionError
            scope["claims"] = check(token)
        except (PermissionError, pyjwt.PyJWTError):
            await Response(status_code=401)(scope, receive, send)
        else:
            await bare(scope, receive, send)

    protected = ProtectMiddleware(bare, ResourceServer(issuer, AUDIENCE), Require(scopes=[SCOPE]))
    return {BARE: bare, RECIPE: recipe, OURS: protected}


def _fastapis(pyjwt: Any, issuer: str, alg: str) -> dict[str, App]:
    bare, recipe, protected = FastAPI(), FastAPI(), FastAPI()
    check = _recipe(pyjwt, issuer, alg)
    protect = ours.Protect(issuer, AUDIENCE, app=protected)
    bearer = HTTPBearer()

    async def person(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> dict[str, Any]:  # noqa: B008
        try:
            return check(credentials.credentials)
        except (PermissionError, pyjwt.PyJWTError):
            raise HTTPException(401) from None

    @bare.get("/orders", response_class=PlainTextResponse)
    async def bare_orders() -> Response:
        return PlainTextResponse("three orders")

    @recipe.get("/orders", response_class=PlainTextResponse)
    async def recipe_orders(who: dict[str, Any] = Depends(person)) -> Response:  # noqa: B008
        return PlainTextResponse("three orders")

    @protected.get("/orders", response_class=PlainTextResponse)
    async def protected_orders(who: Claims = protect(SCOPE)) -> Response:  # noqa: B008
        return PlainTextResponse("three orders")

    return {BARE: bare, RECIPE: recipe, OURS: protected}


# --- the requests ---


def _minting(key: Key, issuer: str) -> Callable[[], str]:
    sign, numbers = jws.signer_for(key, header={"typ": "at+jwt"}), count()
    return lambda: sign(json_encode(claims(f"{next(numbers):022}") | {"iss": issuer}))


def _contenders(apps: dict[str, App], tokens: Sequence[str] | Callable[[], str]) -> list[Contender]:
    def inputs(amount: int) -> list[bytes]:
        texts = [tokens() for _ in range(amount)] if callable(tokens) else [tokens[0]] * amount
        return [f"Bearer {text}".encode() for text in texts]

    return [Contender(name, _calling(app), inputs) for name, app in apps.items()]


def _calling(app: App) -> Callable[[Any], None]:
    """Send one GET through an ASGI application that waits for nothing, and so needs no event loop."""

    def call(authorization: Any) -> None:
        statuses: list[int] = []
        running = _request(app, authorization, statuses)
        try:
            running.send(None)
        except StopIteration:
            if statuses != [200]:
                raise RuntimeError(f"status {statuses}") from None
        else:
            running.close()
            raise RuntimeError("the application waits for something")

    return call


async def _request(app: App, authorization: bytes, statuses: list[int]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(_scope(authorization), receive, send)


def _scope(authorization: bytes) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/orders",
        "raw_path": b"/orders",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"orders.example.com"),
            (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            (b"accept", b"application/json"),
            (b"accept-language", b"en,de;q=0.7"),
            (b"accept-encoding", b"gzip, deflate, br, zstd"),
            (b"authorization", authorization),
        ],
        "client": ("192.0.2.7", 50_000),
        "server": ("orders.example.com", 443),
    }


# --- the table ---


def _show(title: str, results: dict[str, Result]) -> None:
    """Print what each adds to the bare request, and ours as a part of the recipe's."""
    say(f"\n{title}")
    say(f"  {'':<28} {'median':>13} {'adds':>13} {'of recipe':>10}")
    bare, recipe = results[BARE], results[RECIPE]
    for result in results.values():
        if result.microseconds is None or bare.microseconds is None or recipe.microseconds is None:
            say(f"  {result.name:<28} {'-':>10}            {result.reason}")
            continue
        text = f"  {result.name:<28} {result.microseconds:>10.2f} µs"
        if result is not bare:
            adds = result.microseconds - bare.microseconds
            text += f" {adds:>10.2f} µs {adds / (recipe.microseconds - bare.microseconds):>8.3f} x"
        say(text)
