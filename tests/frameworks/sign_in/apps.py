"""One application per framework, with the same three pages: for signed-in people, for everybody, a post."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import httpx
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test.utils import override_settings
from django.urls import include
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt
from fastapi import Depends, FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from client.sign_in.person import APP
from mintmark.client.sign_in import Session
from mintmark.client.sign_in import SignIn as Core
from mintmark.frameworks.sign_in import django, flask, starlette


class OverASGI(httpx.BaseTransport):
    """Sends a request to an ASGI application, in a loop of its own."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            answer = await self._inner.handle_async_request(request)
            return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

        return asyncio.run(ask())


def told(session: Session | None) -> str:
    return f"{session.claims['name']}|{session.csrf_token}" if session is not None else "nobody"


@contextmanager
def starlette_app(core: Core) -> Iterator[httpx.Client]:
    sign_in = starlette.SignIn(core=core)

    @sign_in.required
    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse(told(sign_in.session(request)))

    @sign_in.required
    def order(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ordered", headers={"Set-Cookie": "own=1"})

    async def home(request: Request) -> PlainTextResponse:
        return PlainTextResponse(told(await sign_in.optional(request)))

    routes = [Route("/orders", orders), Route("/order", order, methods=["POST"]), Route("/", home)]
    app = Starlette(routes=routes)
    sign_in.install(app)
    with httpx.Client(transport=OverASGI(app), base_url=APP) as client:
        yield client


@contextmanager
def fastapi_app(core: Core) -> Iterator[httpx.Client]:
    sign_in = starlette.SignIn(core=core)
    app = FastAPI()

    async def orders(who: Any) -> PlainTextResponse:
        return PlainTextResponse(told(who))

    async def order(who: Any) -> PlainTextResponse:
        return PlainTextResponse("ordered")

    async def home(who: Any) -> PlainTextResponse:
        return PlainTextResponse(told(who))

    for endpoint in (orders, order):
        endpoint.__annotations__["who"] = Annotated[Session, Depends(sign_in)]
    home.__annotations__["who"] = Annotated[Session | None, Depends(sign_in.optional)]
    for endpoint in (orders, order, home):
        endpoint.__annotations__["return"] = PlainTextResponse
    app.get("/orders")(orders)
    app.post("/order")(order)
    app.get("/")(home)
    sign_in.install(app)
    assert "/callback" not in app.openapi()["paths"]
    with httpx.Client(transport=OverASGI(app), base_url=APP) as client:
        yield client


@contextmanager
def flask_app(core: Core) -> Iterator[httpx.Client]:
    app = Flask("shop")
    sign_in = flask.SignIn(core=core, app=app)

    @app.get("/orders")
    @sign_in.required
    def orders() -> str:
        return told(flask.session)

    @app.post("/order")
    @sign_in.required
    def order() -> str:
        return "ordered"

    @app.get("/")
    def home() -> str:
        return told(sign_in.person())

    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url=APP) as client:
        yield client


def django_urls(core: Core) -> tuple[types.ModuleType, django.SignIn]:
    sign_in = django.SignIn(core=core)

    @sign_in.required
    def orders(request: Any) -> HttpResponse:
        return HttpResponse(told(request.person))

    @sign_in.required
    async def order(request: Any) -> HttpResponse:
        return HttpResponse("ordered")

    @sign_in.optional
    def home(request: Any) -> HttpResponse:
        return HttpResponse(told(request.person))

    urls = types.ModuleType("shop_urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        route("", include(sign_in.urls)),
        route("orders", orders),
        route("order", csrf_exempt(order)),
        route("", home),
    ]
    return urls, sign_in


@contextmanager
def django_app(core: Core) -> Iterator[httpx.Client]:
    urls, _ = django_urls(core)
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    with (
        override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[csrf]),
        httpx.Client(transport=httpx.WSGITransport(app=WSGIHandler()), base_url=APP) as client,
    ):
        yield client


@contextmanager
def django_asgi_app(core: Core) -> Iterator[httpx.Client]:
    from . import site_middleware

    urls, sign_in = django_urls(core)
    site_middleware.middleware = sign_in.middleware
    name = f"{site_middleware.__name__}.middleware"
    with (
        override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[name]),
        httpx.Client(transport=OverASGI(ASGIHandler()), base_url=APP) as client,
    ):
        yield client


APPS: dict[str, Callable[[Core], Any]] = {
    "starlette": starlette_app,
    "fastapi": fastapi_app,
    "flask": flask_app,
    "django": django_app,
    "django on asgi": django_asgi_app,
}
