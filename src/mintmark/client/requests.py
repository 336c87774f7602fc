"""requests: ``session.auth = TokenAuth(source)``."""

from __future__ import annotations

from functools import partial
from typing import Any

import requests
from requests.auth import AuthBase

from mintmark.client.proofs import origin_of
from mintmark.client.sources import TokenSource, call_headers, wants_another
from mintmark.client.tokens import Token

__all__ = ["TokenAuth"]


class TokenAuth(AuthBase):
    """Adds the source's token to every request; a token that is called invalid is replaced once.

    requests drops the header by itself when a redirect leads to another host.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authenticate one request."""
        token = self._source.token()
        self._sign(request, token)
        body: Any = request.body
        place = body.tell() if hasattr(body, "tell") else None
        request.register_hook("response", partial(self._again, token, origin_of(request.url or ""), place))
        return request

    def _sign(self, request: requests.PreparedRequest, token: Token) -> None:
        method, url = request.method or "GET", request.url or ""
        request.headers.update(call_headers(self._source, token, method, url))

    def _again(
        self, token: Token, origin: str, place: int | None, response: requests.Response, **options: Any
    ) -> requests.Response:
        """Send the request once more if that is worth it; requests asks after every redirect, too."""
        url = response.request.url or ""
        if origin_of(url) != origin:
            return response
        if not wants_another(self._source, token, url, response.status_code, _lower(response)):
            return response
        body: Any = response.request.body
        if place is None and body is not None and not isinstance(body, str | bytes):
            return response  # it can be read once, and has been
        request = response.request.copy()
        request.hooks["response"] = []
        if place is not None:
            request.body.seek(place)  # type: ignore[union-attr]
        _ = response.content  # read to its end, so that the connection can be used again
        response.close()
        self._sign(request, self._source.token())
        answer = response.connection.send(request, **options)
        answer.history.append(response)
        answer.request = request
        return answer


def _lower(response: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
