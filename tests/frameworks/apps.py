"""The same routes in every framework: what the request table is thrown at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import flask
from django.http import JsonResponse
from fastapi import FastAPI
from rest_framework.views import APIView
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from frameworks.calling import Answer, Headers, call_asgi, call_wsgi
from frameworks.django_site import Site
from mintmark.frameworks import wsgi
from mintmark.frameworks.asgi import CLAIMS, ProtectMiddleware
from mintmark.frameworks.django import protect as django_protect
from mintmark.frameworks.drf import TokenAuthentication, exception_handler, requires
from mintmark.frameworks.fastapi import Protect
from mintmark.frameworks.flask import Protect as FlaskProtect
from mintmark.frameworks.flask import claims as flask_claims
from mintmark.frameworks.starlette import Protect as StarletteProtect
from mintmark.frameworks.starlette import claims_of as starlette_claims
from mintmark.jwt import Claims
from mintmark.resource_server import Require, ResourceServer

Driver = Callable[[str, str, Headers], Answer]
Routes = Mapping[str, Require]


def asgi_app(server: ResourceServer, routes: Routes) -> Driver:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = json.dumps({"sub": scope[CLAIMS].subject}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    protected = {path: ProtectMiddleware(app, server, require) for path, require in routes.items()}
    other = ProtectMiddleware(app, server)

    async def router(scope: Any, receive: Any, send: Any) -> None:
        await protected.get(scope["path"], other)(scope, receive, send)

    return partial(call_asgi, router)


def fastapi_app(server: ResourceServer, routes: Routes) -> Driver:
    app = FastAPI()
    protect = Protect(resource_server=server, app=app)

    def add(path: str, require: Require) -> None:
        marker = protect(require)

        async def endpoint(who: Claims = marker) -> dict[str, Any]:
            return {"sub": who.subject}

        app.add_api_route(path, endpoint)

    for path, require in routes.items():
        add(path, require)
    return partial(call_asgi, app)


def starlette_app(server: ResourceServer, routes: Routes) -> Driver:
    protect = StarletteProtect(resource_server=server)

    def endpoint(request: Request) -> JSONResponse:
        return JSONResponse({"sub": starlette_claims(request).subject})

    async def aendpoint(request: Request) -> JSONResponse:
        return endpoint(request)

    endpoints = (endpoint, aendpoint)  # both kinds, by turns
    app = Starlette(
        routes=[
            Route(path, protect(require)(endpoints[number % 2]))
            for number, (path, require) in enumerate(routes.items())
        ]
    )
    protect.install(app)
    return partial(call_asgi, app)


def wsgi_app(server: ResourceServer, routes: Routes) -> Driver:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [json.dumps({"sub": environ[wsgi.CLAIMS].subject}).encode()]

    protected = {path: wsgi.ProtectMiddleware(app, server, require) for path, require in routes.items()}
    other = wsgi.ProtectMiddleware(app, server)

    def router(environ: Any, start_response: Any) -> Any:
        return protected.get(environ["PATH_INFO"], other)(environ, start_response)

    return partial(call_wsgi, router)


def flask_app(server: ResourceServer, routes: Routes) -> Driver:
    app = flask.Flask("tests")
    protect = FlaskProtect(resource_server=server, app=app)

    def view() -> dict[str, Any]:
        return {"sub": flask_claims.subject}

    for path, require in routes.items():
        app.add_url_rule(path, path, protect(require)(view))
    return partial(call_wsgi, app)


def django_app(server: ResourceServer, routes: Routes) -> Driver:
    def view(request: Any) -> Any:
        return JsonResponse({"sub": request.claims.subject})

    site = Site(server, {path: django_protect(require)(view) for path, require in routes.items()})
    return partial(site.call_wsgi)


def drf_app(server: ResourceServer, routes: Routes) -> Driver:
    class Endpoint(APIView):
        authentication_classes = (TokenAuthentication,)

        def get(self, request: Any) -> Any:
            return JsonResponse({"sub": request.auth.subject})

        def get_exception_handler(self) -> Any:
            return exception_handler

    views = {
        path: Endpoint.as_view(permission_classes=[requires(require)]) for path, require in routes.items()
    }
    return partial(Site(server, views).call_wsgi)


BUILDERS: Mapping[str, Callable[[ResourceServer, Routes], Driver]] = {
    "asgi": asgi_app,
    "fastapi": fastapi_app,
    "starlette": starlette_app,
    "wsgi": wsgi_app,
    "flask": flask_app,
    "django": django_app,
    "drf": drf_app,
}
