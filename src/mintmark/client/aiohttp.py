"""aiohttp: ``ClientSession(middlewares=[token_middleware(source)])``."""

from __future__ import annotations

from contextvars import ContextVar

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse
from yarl import URL

from mintmark.client.sources import TokenSource, call_headers, wants_another

__all__ = ["token_middleware"]


def token_middleware(source: TokenSource) -> ClientMiddlewareType:
    """Return a middleware that adds the source's token; one that is called invalid is replaced once.

    A redirect to another host takes no token along. aiohttp runs a middleware anew for each redirect that it
    follows; so where you follow one yourself, the first request to that host goes without a token, too.
    """
    leading_away: ContextVar[URL | None] = ContextVar("leading_away", default=None)

    async def add_token(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if leading_away.get() == request.url.origin():
            response = await handler(request)
            leading_away.set(_redirected_to(response))
            return response
        token, url = await source.atoken(), str(request.url)
        request.headers.update(call_headers(source, token, request.method, url))
        response = await handler(request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        again = wants_another(source, token, url, response.status, headers)
        if again and not getattr(request.body, "consumed", False):  # an iterator's would be empty by now
            response.release()
            token = await source.atoken()
            request.headers.update(call_headers(source, token, request.method, url))
            response = await handler(request)
        target = _redirected_to(response)
        leading_away.set(None if target == request.url.origin() else target)
        return response

    return add_token


def _redirected_to(response: ClientResponse) -> URL | None:
    """Return the origin that aiohttp goes to from here, by the same rules as it."""
    location = response.headers.get("Location") or response.headers.get("URI")
    if location is None or response.status not in (301, 302, 303, 307, 308):
        return None
    try:
        return response.url.join(URL(location)).origin()
    except ValueError:  # no host, or no URL: aiohttp does not go there
        return None
