"""The single-page app's server: a few static files under a policy that admits no inline and no foreign code.

``python -m mintmark.demo.page --port 8701 --issuer … --orders … --billing …``
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mintmark.demo.serving import add_serving_arguments, serve

__all__ = ["PageConfig", "create_app"]

APP: Final = Path(__file__).parent / "app"
RELAY: Final = "/relay"  # the one page that may be framed, by this origin only


@dataclass(frozen=True, slots=True)
class PageConfig:
    """What the page must know: who it is, addresses, the person's name for the hint, the services' leeway."""

    client_id: str
    scope: str
    issuer: str
    orders: str
    billing: str
    person: str
    leeway: float

    def for_browser(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "scope": self.scope,
            "services": {"orders": self.orders, "billing": self.billing},
            "person": self.person,
            "leeway": self.leeway,
        }

    def policy(self, ancestors: str) -> str:
        """The Content-Security-Policy: own files only; calls to the three named places only."""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                f"connect-src 'self' {self.issuer} {self.orders} {self.billing}",
                f"frame-src 'self' {self.issuer}",
                f"form-action 'self' {self.issuer}",
                "base-uri 'none'",
                f"frame-ancestors {ancestors}",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        )


class SecurityHeaders:
    """Adds the page's security headers to every answer."""

    def __init__(self, app: ASGIApp, config: PageConfig) -> None:
        self.app = app
        self._closed = self._headers(config.policy("'none'"), "DENY")
        self._relay = self._headers(config.policy("'self'"), "SAMEORIGIN")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self._relay if scope.get("path") == RELAY else self._closed

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    @staticmethod
    def _headers(policy: str, framing: str) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-security-policy", policy.encode()),
            (b"x-frame-options", framing.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
            (b"cache-control", b"no-cache"),
        ]


def create_app(config: PageConfig) -> Starlette:
    """The page as an ASGI app."""

    async def index(_: Request) -> Response:
        return FileResponse(APP / "index.html")

    async def relay(_: Request) -> Response:
        return FileResponse(APP / "relay.html")

    async def browser_config(_: Request) -> Response:
        return JSONResponse(config.for_browser())

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/callback", index),  # the answer of a sign-in by full redirect
            Route(RELAY, relay),
            Route("/config.json", browser_config),
            Route("/health", health),
            Mount("/", StaticFiles(directory=APP)),
        ],
        middleware=[Middleware(SecurityHeaders, config=config)],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m mintmark.demo.page", description=__doc__)
    add_serving_arguments(parser)
    for name in PageConfig.__dataclass_fields__:
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, required=True, type=float if name == "leeway" else str)
    options = parser.parse_args(arguments)
    config = PageConfig(**{name: getattr(options, name) for name in PageConfig.__dataclass_fields__})
    serve(create_app(config), options)


if __name__ == "__main__":
    main()
