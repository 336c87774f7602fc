"""FastAPI: the protected parameter is the caller's claims, and /docs shows the lock."""

from __future__ import annotations

import os
from typing import Annotated

import uvicorn
from fastapi import FastAPI

from mintmark import Claims
from mintmark.frameworks.fastapi import Protect

app = FastAPI()
protect = Protect(os.environ.get("MINTMARK_ISSUER", "http://127.0.0.1:8700"), "orders", app=app)


@app.get("/orders")
async def orders(who: Annotated[Claims, protect("orders:read")]) -> dict[str, str | None]:
    return {"person": who.subject}


@app.get("/health")
async def health() -> dict[str, str | None]:
    return {"person": None}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8710")))
