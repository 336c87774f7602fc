"""httpx: ``httpx.Client(auth=TokenAuth(source))``, and the same for ``AsyncClient``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import httpx

from mintmark.client.sources import TokenSource, call_headers, wants_another

__all__ = ["TokenAuth"]


class TokenAuth(httpx.Auth):
    """Adds the source's token to every request; a token that is called invalid is replaced once.

    httpx drops the header by itself when a redirect leads to another host.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authenticate one request."""
        token, url = self._source.token(), str(request.url)
        request.headers.update(call_headers(self._source, token, request.method, url))
        response = yield request
        again = wants_another(self._source, token, url, response.status_code, response.headers)
        if again and _can_be_sent_again(request):
            token = self._source.token()
            request.headers.update(call_headers(self._source, token, request.method, url))
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authenticate one request without holding up the event loop."""
        token, url = await self._source.atoken(), str(request.url)
        request.headers.update(call_headers(self._source, token, request.method, url))
        response = yield request
        again = wants_another(self._source, token, url, response.status_code, response.headers)
        if again and _can_be_sent_again(request):
            token = await self._source.atoken()
            request.headers.update(call_headers(self._source, token, request.method, url))
            yield request


def _can_be_sent_again(request: httpx.Request) -> bool:
    """Tell whether the body is still there; an iterator's would be empty the second time."""
    is_multipart = request.headers.get("content-type", "").startswith("multipart/")  # rewinds its files
    return isinstance(request.stream, httpx.ByteStream) or is_multipart
