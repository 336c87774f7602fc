"""aiohttp: ``ClientSession(middlewares=[token_middleware(source)])``."""

from __future__ import annotations

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

from mintmark.client.sources import TokenSource, call_headers, wants_another

__all__ = ["token_middleware"]


def token_middleware(source: TokenSource) -> ClientMiddlewareType:
    """Return a middleware that adds the source's token; one that is called invalid is replaced once."""

    async def add_token(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        token, url = await source.atoken(), str(request.url)
        request.headers.update(call_headers(source, token, request.method, url))
        response = await handler(request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if not wants_another(source, token, url, response.status, headers):
            return response
        response.release()
        token = await source.atoken()
        request.headers.update(call_headers(source, token, request.method, url))
        return await handler(request)

    return add_token
