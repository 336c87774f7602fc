"""Flask: a decorator for views, the claims as a proxy."""

from __future__ import annotations

import os
from wsgiref.simple_server import make_server

from flask import Flask

from mintmark.frameworks.flask import Protect, claims

app = Flask(__name__)
protect = Protect(os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "orders", app=app)


@app.get("/orders")
@protect("orders:read")
def orders() -> dict[str, str | None]:
    return {"person": claims.subject}


@app.get("/health")
def health() -> dict[str, str | None]:
    return {"person": None}


if __name__ == "__main__":
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8710")), app) as httpd:
        print(f"http://127.0.0.1:{httpd.server_port}", flush=True)
        httpd.serve_forever()
