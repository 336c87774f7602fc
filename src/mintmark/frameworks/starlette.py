"""Starlette: a decorator for endpoints, and a backend for its own AuthenticationMiddleware.

::

    protect = Protect("https://auth.example.com", "orders")

    @protect("orders:read")
    async def orders(request): return JSONResponse({"person": claims_of(request).subject})

    app = Starlette(routes=[Route("/orders", orders)])
    protect.install(app)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from mintmark.frameworks.asgi import CLAIMS, ScopeRequest
from mintmark.frameworks.protecting import require_of, resource_server_of
from mintmark.jwt import Claims
from mintmark.resource_server import Refusal, Require, ResourceServer
from mintmark.resource_server.require import granted_scopes

__all__ = ["Protect", "RefusedRequest", "TokenBackend", "TokenUser", "claims_of", "install"]

Endpoint = Callable[[Any], Any]


class RefusedRequest(HTTPException, AuthenticationError):
    """A :class:`Refusal` as Starlette's own kind of exception.

    Status and challenge are right even without :func:`install`; with it the body is, too.
    """

    def __init__(self, refusal: Refusal) -> None:
        HTTPException.__init__(self, refusal.status, detail=str(refusal.code), headers=dict(refusal.headers))
        self.refusal = refusal


def claims_of(connection: HTTPConnection) -> Claims:
    """Return the claims of the request's token; the endpoint must be protected."""
    claims: Claims = connection.scope[CLAIMS]
    return claims


def install(app: Starlette, resource_server: ResourceServer) -> None:
    """Make an application answer refusals exactly, publish the metadata, and run the background work."""
    app.add_exception_handler(RefusedRequest, answer)
    metadata = resource_server.metadata
    if metadata is not None:
        document = metadata.document()

        async def publish(_: HTTPConnection) -> Response:
            return Response(document, media_type="application/json")

        app.router.add_route(metadata.path, publish, include_in_schema=False)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Any) -> AsyncIterator[Any]:
        with resource_server:
            async with inner(running) as state:
                yield state

    app.router.lifespan_context = lifespan


async def answer(connection: HTTPConnection, error: Exception) -> Response:
    """Answer with the refusal's own bytes; Starlette denies a WebSocket's handshake with the same."""
    if not isinstance(error, RefusedRequest):
        raise error
    return respond(error.refusal)


def respond(refusal: Refusal) -> Response:
    """Turn a refusal into its response."""
    return Response(refusal.body, refusal.status, dict(refusal.headers))


class Protect:
    """Protects endpoints of a Starlette application with access tokens.

    :param issuer: who issues the tokens, and ``audience``: this service's name there. Further ``options`` go
        to :class:`ResourceServer`.
    :param resource_server: a ready ResourceServer instead of all of these.
    :raises ConfigurationError: neither issuer and audience nor a resource server, or both.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: str | Sequence[str] | None = None,
        *,
        resource_server: ResourceServer | None = None,
        **options: Any,
    ) -> None:
        self.resource_server = resource_server_of(issuer, audience, resource_server, options)

    def install(self, app: Starlette) -> None:
        """Do what :func:`install` does with this resource server."""
        install(app, self.resource_server)

    def __call__(
        self, scopes: str | Sequence[str] | Require = (), **conditions: Any
    ) -> Callable[[Endpoint], Endpoint]:
        """Return the decorator of an endpoint that needs a token with these scopes and conditions.

        The endpoint takes the request (or a WebSocket) and may be a coroutine or a plain function.
        """
        require = require_of(scopes, conditions)

        def decorate(endpoint: Endpoint) -> Endpoint:
            call = endpoint if inspect.iscoroutinefunction(endpoint) else _threaded(endpoint)

            @functools.wraps(endpoint)
            async def guarded(connection: HTTPConnection) -> Any:
                await self._admit(connection, require)
                return await call(connection)

            return guarded

        return decorate

    async def _admit(self, connection: HTTPConnection, require: Require) -> None:
        try:
            request = ScopeRequest(connection.scope)
            connection.scope[CLAIMS] = await self.resource_server.acheck(request, require)
        except Refusal as refusal:
            raise RefusedRequest(refusal) from refusal


def _threaded(endpoint: Endpoint) -> Callable[[Any], Awaitable[Any]]:
    async def call(connection: Any) -> Any:
        return await run_in_threadpool(endpoint, connection)

    return call


class TokenUser(BaseUser):
    """The ``request.user`` of :class:`TokenBackend`."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims

    @property
    def is_authenticated(self) -> bool:
        """Always: there is no user without a valid token."""
        return True

    @property
    def display_name(self) -> str:
        """The person's name where the token tells it, else the subject."""
        name = self.claims.get("name")
        return name if isinstance(name, str) else self.identity

    @property
    def identity(self) -> str:
        """The subject."""
        return self.claims.subject or ""


class TokenBackend(AuthenticationBackend):
    """For ``AuthenticationMiddleware(backend=..., on_error=TokenBackend.on_error)``.

    A request without a token goes on as nobody; one with a token that is refused gets the exact refusal.
    ``request.auth.scopes`` holds the scopes and ``request.user.claims`` the claims. (Starlette's own
    ``@requires`` answers without a challenge: :class:`Protect` gives the exact one.)
    """

    def __init__(self, resource_server: ResourceServer) -> None:
        self._server = resource_server

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return scopes and user, or None when the request brings no token."""
        try:
            claims = await self._server.acheck_optional(ScopeRequest(conn.scope))
        except Refusal as refusal:
            raise RefusedRequest(refusal) from refusal
        if claims is None:
            return None
        conn.scope[CLAIMS] = claims
        return AuthCredentials(sorted(granted_scopes(claims))), TokenUser(claims)

    @staticmethod
    def on_error(conn: HTTPConnection, error: Exception) -> Response:
        """Answer a refusal exactly."""
        return respond(error.refusal) if isinstance(error, RefusedRequest) else Response(status_code=400)
