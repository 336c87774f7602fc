"""Plain WSGI: a middleware around an application, no framework."""

from __future__ import annotations

import json
import os
from typing import Any
from wsgiref.simple_server import make_server

from mintmark.frameworks.wsgi import CLAIMS, ProtectMiddleware
from mintmark.resource_server import Require, ResourceServer


def orders(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"person": environ[CLAIMS].subject if CLAIMS in environ else None}).encode()]


server = ResourceServer(os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "orders")
app = ProtectMiddleware(orders, server, Require("orders:read"), public=["/health"])

if __name__ == "__main__":
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8710")), app) as httpd:
        print(f"http://127.0.0.1:{httpd.server_port}", flush=True)
        httpd.serve_forever()
