"""One line for each request: method, route, status, time. Never a query string."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mintmark.authorization_server.logs import write_line

__all__ = ["AccessLog", "log_request", "tell"]

_TOLD = "mintmark.told"
_NOTHING: tuple[str, Mapping[str, Any]] = ("request", {})
_access = logging.getLogger("mintmark.authorization_server.access")


class AccessLog:
    """ASGI middleware that writes one line per request: method, route, status, time. Never a query string."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        """:param routes: those whose paths may be written down; any other is ``(other)``."""
        self._app = app
        self._paths = frozenset(route.path for route in routes)
        self._templates: dict[object, str] = {
            route.endpoint: route.path for route in routes if "{" in route.path
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line when the answer has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 0, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            path = scope["path"]
            route = path if path in self._paths else self._templates.get(scope.get("endpoint"), "(other)")
            log_request(scope, route, status, begun)


def log_request(scope: Scope, route: str, status: int, begun: float) -> None:
    """Write the line of one request.

    :param route: a path of ours; never the path of the request, which may hold anything.
    :param status: of the answer; 0 where there was none.
    :param begun: :func:`time.perf_counter` when the request came.
    """
    if _access.isEnabledFor(logging.INFO):
        method = scope["method"]
        event, told = scope.get(_TOLD, _NOTHING)
        fields = {
            "method": method if method.isalpha() and len(method) < 10 else "?",
            "route": route,
            "status": status,
            "ms": int((time.perf_counter() - begun) * 10_000 + 0.5) / 10,
            "from": scope["client"][0] if scope.get("client") else None,
            **told,
        }
        write_line(_access, logging.INFO, event, fields)


def tell(scope: Scope, event: str, fields: Mapping[str, Any]) -> None:
    """Say what a request has led to: its line then bears this name, and these fields besides its own."""
    scope[_TOLD] = event, fields
