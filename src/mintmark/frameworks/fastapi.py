"""FastAPI: a dependency that is a security scheme, so that /docs shows the lock.

::

    app = FastAPI()
    protect = Protect("https://auth.example.com", "orders", app=app)

    @app.get("/orders")
    async def orders(who: Claims = protect("orders:read")): ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response, Security
from fastapi.openapi.models import OpenIdConnect
from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from mintmark.errors import ConfigurationError
from mintmark.frameworks.asgi import CLAIMS, ScopeRequest
from mintmark.net.discovery import metadata_addresses
from mintmark.resource_server import Refusal, Require, ResourceServer

__all__ = ["Protect", "RefusedRequest"]


class RefusedRequest(HTTPException):
    """A :class:`Refusal` as FastAPI's own kind of exception: status and challenge are right even without
    :meth:`Protect.install`; with it the body is, too."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status, detail=str(refusal.code), headers=dict(refusal.headers))
        self.refusal = refusal


class Protect:
    """Protects the routes of a FastAPI application with access tokens.

    :param issuer: who issues the tokens, and ``audience``: this service's name there. Further ``options`` go
        to :class:`ResourceServer`.
    :param resource_server: a ready ResourceServer instead of all of these.
    :param app: the application to install into at once; else call :meth:`install`.
    :param scheme_name: how the security scheme is called in the OpenAPI document.
    :raises ConfigurationError: neither issuer and audience nor a resource server, or both.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: str | Sequence[str] | None = None,
        *,
        resource_server: ResourceServer | None = None,
        app: FastAPI | None = None,
        scheme_name: str = "OpenID Connect",
        **options: Any,
    ) -> None:
        if resource_server is None:
            if issuer is None or audience is None:
                raise ConfigurationError("Protect needs issuer and audience, or a resource_server.")
            resource_server = ResourceServer(issuer, audience, **options)
        elif issuer is not None or audience is not None or options:
            raise ConfigurationError("Protect takes a resource_server, or what to make one of; not both.")
        self.resource_server = resource_server
        self._scheme_name = scheme_name
        if app is not None:
            self.install(app)

    def __call__(
        self,
        scopes: str | Sequence[str] = (),
        *,
        any_scope: str | Sequence[str] = (),
        acr: str | Sequence[str] = (),
        max_age: float | None = None,
        claims: Mapping[str, Any] | None = None,
        into: type[Any] | None = None,
    ) -> Any:
        """Return the marker for a parameter that receives the claims of a sufficient token.

        :param scopes: what the token must carry, as in :class:`Require`.
        :param into: the type that the parameter gets instead of Claims.
        """
        require = Require(scopes, any_scope=any_scope, acr=acr, max_age=max_age, claims=claims or {})
        return self.require(require, into=into)

    def require(self, require: Require, *, into: type[Any] | None = None) -> Any:
        """Return the marker for a ready :class:`Require`."""
        scheme = _Scheme(self.resource_server, require, into, self._scheme_name)
        return Security(scheme, scopes=[*require.scopes, *require.any_scope])

    def install(self, app: FastAPI) -> None:
        """Make an application answer refusals exactly, publish the metadata, and run the background work."""
        app.add_exception_handler(RefusedRequest, _answer)
        metadata = self.resource_server.metadata
        if metadata is not None:
            document = Response(metadata.document(), media_type="application/json")
            app.add_api_route(metadata.path, lambda: document, include_in_schema=False)
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
            with self.resource_server:
                async with inner(running) as state:
                    yield state

        app.router.lifespan_context = lifespan


class _Scheme(SecurityBase):
    """The dependency: an OpenID Connect security scheme that also checks."""

    def __init__(
        self, server: ResourceServer, require: Require, into: type[Any] | None, scheme_name: str
    ) -> None:
        self.model = OpenIdConnect(openIdConnectUrl=metadata_addresses(server.issuer)[0])
        self.scheme_name = scheme_name
        self._server = server
        self._require = require
        self._into = into

    async def __call__(self, connection: HTTPConnection) -> Any:
        try:
            request = ScopeRequest(connection.scope)
            if self._into is not None:
                return await self._server.acheck(request, self._require, into=self._into)
            claims = await self._server.acheck(request, self._require)
        except Refusal as refusal:
            raise RefusedRequest(refusal) from refusal
        connection.scope[CLAIMS] = claims
        return claims


async def _answer(connection: HTTPConnection, error: Exception) -> Response:
    """Answer with the refusal's own bytes; Starlette denies a WebSocket's handshake with the same."""
    if not isinstance(error, RefusedRequest):
        raise error
    refusal = error.refusal
    return Response(refusal.body, refusal.status, dict(refusal.headers))
