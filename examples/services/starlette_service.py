"""Starlette: a decorator for endpoints."""

from __future__ import annotations

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mintmark.frameworks.starlette import Protect, claims_of

protect = Protect(os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "orders")


@protect("orders:read")
async def orders(request: Request) -> JSONResponse:
    return JSONResponse({"person": claims_of(request).subject})


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"person": None})


app = Starlette(routes=[Route("/orders", orders), Route("/health", health)])
protect.install(app)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8710")))
