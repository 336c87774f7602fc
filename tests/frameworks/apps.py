"""The same routes in every framework: what the request table is thrown at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI

from frameworks.calling import Answer, Headers, call_asgi
from mintmark.frameworks.asgi import CLAIMS, ProtectMiddleware
from mintmark.frameworks.fastapi import Protect
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
        marker = protect.require(require)

        async def endpoint(who: Claims = marker) -> dict[str, Any]:
            return {"sub": who.subject}

        app.add_api_route(path, endpoint)

    for path, require in routes.items():
        add(path, require)
    return partial(call_asgi, app)


BUILDERS: Mapping[str, Callable[[ResourceServer, Routes], Driver]] = {
    "asgi": asgi_app,
    "fastapi": fastapi_app,
}
