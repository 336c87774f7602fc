"""billing: writes invoices for whoever has a token that is meant for billing.

``python -m mintmark.demo.billing --port 8703 --issuer … --secret-file … --origin …``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from mintmark.demo.services import Service, service_arguments
from mintmark.demo.serving import serve
from mintmark.jwt import Claims

__all__ = ["create_app"]


def create_app(service: Service) -> FastAPI:
    app, protect = service.build("billing")

    @app.get("/invoices/{order}")
    async def invoice(order: int, who: Claims = protect("billing:read")) -> dict[str, Any]:
        actor = who.get("act", {}).get("sub", "nobody else")
        return {
            "invoice": {
                "number": f"R-{order}",
                "total": "86.40 EUR",
                "person": who.subject,
                "asked_by": actor,  # RFC 8693 4.1: whose hands the person's token has passed through
            }
        }

    return app


def main(arguments: Sequence[str] | None = None) -> None:
    options = service_arguments("mintmark.demo.billing", __doc__).parse_args(arguments)
    serve(create_app(Service.from_options("billing", options)), options)


if __name__ == "__main__":
    main()
