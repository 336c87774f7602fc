"""orders: shows a person's orders, and gets their invoices from billing in the person's name.

``python -m mintmark.demo.orders --port 8702 --issuer … --secret-file … --origin … --billing …``
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI, HTTPException, Request

from mintmark.client import TokenClient
from mintmark.demo.services import Service, service_arguments
from mintmark.demo.serving import serve
from mintmark.errors import MintmarkError
from mintmark.jwt import Claims
from mintmark.net import fetch

__all__ = ["create_app"]

ORDERS: Final = {
    1001: {"id": 1001, "what": "Twelve silver pennies", "total": "86.40 EUR"},
    1002: {"id": 1002, "what": "A coin cabinet of oak", "total": "240.00 EUR"},
}


def create_app(service: Service, billing: str) -> FastAPI:
    """The service; ``billing`` is the other one's address."""
    app, protect = service.build("orders")
    tokens = TokenClient(service.issuer, service.audience, service.secret)

    @app.get("/orders")
    async def orders(who: Claims = protect("orders:read")) -> dict[str, Any]:
        return {"person": who.subject, "orders": list(ORDERS.values())}

    @app.get("/orders/{number}/invoice")
    def invoice(number: int, request: Request, who: Claims = protect("orders:read")) -> dict[str, Any]:
        if number not in ORDERS:
            raise HTTPException(404, "no such order")
        presented = request.headers["Authorization"].partition(" ")[2]
        try:
            token = tokens.exchange(presented, audience="billing", scope="billing:read")
            url = f"{billing}/invoices/{number}"
            answer = fetch(url, headers={"Authorization": token.authorization})
        except MintmarkError as error:
            raise HTTPException(502, f"billing cannot be asked: {error.message}") from error
        if answer.status != 200:
            raise HTTPException(502, f"billing refused: {answer.status}")
        found: dict[str, Any] = json.loads(answer.body)
        return found

    @app.post("/orders/{number}/cancel")
    async def cancel(number: int, who: Claims = protect("orders:cancel")) -> dict[str, Any]:
        return {"cancelled": number}

    return app


def main(arguments: Sequence[str] | None = None) -> None:
    parser = service_arguments("mintmark.demo.orders", __doc__)
    parser.add_argument("--billing", required=True)
    options = parser.parse_args(arguments)
    serve(create_app(Service.from_options("orders", options), options.billing), options)


if __name__ == "__main__":
    main()
