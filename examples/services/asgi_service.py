"""Plain ASGI: a middleware around an application, no framework."""

from __future__ import annotations

import json
import os
from typing import Any

import uvicorn

from mintmark.frameworks.asgi import CLAIMS, ProtectMiddleware
from mintmark.resource_server import Require, ResourceServer


async def orders(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    known = CLAIMS in scope
    body = json.dumps({"person": scope[CLAIMS].subject if known else None}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


server = ResourceServer(os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "orders")
app = ProtectMiddleware(orders, server, Require("orders:read"), public=["/health"])

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8710")))
