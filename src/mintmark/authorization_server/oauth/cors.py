"""Cross-origin reading: exactly for registered origins, never with credentials (Fetch standard, 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["allow", "preflight"]

_REQUEST_HEADERS = "Authorization, Content-Type, DPoP"
_READABLE_HEADERS = "WWW-Authenticate, Retry-After, DPoP-Nonce"


def allow(request: Request, response: Response, origins: frozenset[str]) -> None:
    """Let a registered origin read ``response``; say nothing to any other."""
    if not origins:
        return
    response.raw_headers.append((b"vary", b"Origin"))
    if (origin := request.headers.get("origin")) in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _READABLE_HEADERS


def preflight(request: Request, origins: frozenset[str], methods: Iterable[str]) -> Response:
    """Answer ``OPTIONS``: what a browser asks before it sends the request itself."""
    response = Response(status_code=204, headers={"Allow": ", ".join((*methods, "OPTIONS"))})
    allow(request, response, origins)
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
    return response
