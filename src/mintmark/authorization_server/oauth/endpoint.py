"""How an endpoint runs: read the parameters, walk the steps, refuse in the endpoint's own way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from mintmark.authorization_server.logs import log_event
from mintmark.authorization_server.oauth import cors
from mintmark.authorization_server.oauth.errors import InvalidRequest, OAuthError, TemporarilyUnavailable
from mintmark.authorization_server.oauth.flow import Flow, Step
from mintmark.authorization_server.oauth.parameters import LARGEST_FORM, Parameters
from mintmark.authorization_server.people import PeopleBusy
from mintmark.authorization_server.storage import StorageUnavailable

__all__ = ["Endpoint", "Reads", "Refuse", "read_form", "walk"]

Refuse = Callable[[Flow, OAuthError], Response]
"""How an endpoint says no: JSON, a redirect, a page, a bearer challenge."""


_NONE = Parameters()
_NO_STORE = (b"cache-control", b"no-store")
_NO_CACHE = (b"pragma", b"no-cache")


class Reads(Enum):
    """Where an endpoint's parameters come from."""

    NOTHING = "nothing"
    FORM = "form"
    QUERY_OR_FORM = "query of a GET, form of a POST"


class Endpoint(Struct, frozen=True):
    """One endpoint as data.

    :param cors: browsers may read its answers from registered origins.
    :param no_store: its answers are never cached (RFC 6749 5.1).
    """

    path: str
    methods: tuple[str, ...]
    reads: Reads
    cors: bool
    no_store: bool
    refuse: Refuse
    steps: tuple[Step, ...]

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        flow = Flow.of(request, _NONE)
        origins = flow.catalogue.origins if self.cors else frozenset()
        if request.scope["method"] == "OPTIONS":
            return cors.preflight(request, origins, self.methods)
        try:
            flow.parameters = await self._read(request)
            response = await walk(self, flow)
        except OAuthError as error:  # the parameters themselves
            response = refused(self, flow, error)
        if self.no_store:
            _never_stored(response)
        cors.allow(request, response, origins)
        return response

    async def _read(self, request: Request) -> Parameters:
        if self.reads is Reads.FORM or (self.reads is Reads.QUERY_OR_FORM and request.method == "POST"):
            return Parameters.parse(await read_form(request))
        if self.reads is Reads.QUERY_OR_FORM:
            return Parameters.parse(request.scope["query_string"])
        return _NONE


def _never_stored(response: Response) -> None:
    headers = response.raw_headers
    said = [name for name, _ in headers]
    if b"cache-control" not in said:
        headers.append(_NO_STORE)
    if b"pragma" not in said:
        headers.append(_NO_CACHE)


async def walk(endpoint: Endpoint, flow: Flow) -> Response:
    """Run the steps in order until one answers; a refusal is written down and answered in the endpoint's
    way.

    :raises StorageUnavailable: before the sign-in that this request begins was written.
    """
    try:
        for step in endpoint.steps:
            if (response := await step(flow)) is not None:
                return response
    except OAuthError as error:
        return refused(endpoint, flow, error)
    except (PeopleBusy, StorageUnavailable) as error:
        if flow.beginning is not None:  # nobody is signed in: whoever does that has to say so
            raise
        busy = TemporarilyUnavailable(
            "the service is busy; try again in a moment", detail=str(error), headers={"Retry-After": "2"}
        )
        return refused(endpoint, flow, busy)
    raise AssertionError(f"{endpoint.path} has no step that answers")


def refused(endpoint: Endpoint, flow: Flow, error: OAuthError) -> Response:
    """Write a refusal down and answer it."""
    client = flow.known_client
    log_event(
        "refused",
        level=logging.WARNING if error.status >= 500 else logging.INFO,
        endpoint=endpoint.path,
        error=error.code,
        description=error.description,
        detail=error.detail,
        client_id=client.client_id if client else None,
    )
    response = endpoint.refuse(flow, error)
    response.headers.update(error.headers)
    return response


async def read_form(request: Request, limit: int = LARGEST_FORM) -> bytes:
    """Return the body of a form post.

    :raises InvalidRequest: not a form, larger than ``limit`` bytes, or the caller hung up.
    """
    body, more = b"", True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("the body has no end")  # nobody is left to read this
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise InvalidRequest(f"the body is larger than {limit} bytes", headers={"Connection": "close"})
    if body and _media_type(request) != b"application/x-www-form-urlencoded":
        raise InvalidRequest("the body must be application/x-www-form-urlencoded")
    return body


def _media_type(request: Request) -> bytes:
    """Return what the body is said to be, without its parameters (RFC 9110 8.3)."""
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            said: bytes = value
            return said.partition(b";")[0].strip().lower()
    return b""
