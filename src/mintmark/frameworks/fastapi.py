"""FastAPI: a dependency that is a security scheme, so that /docs shows the lock.

::

    app = FastAPI()
    protect = Protect("https://auth.example.com", "orders", app=app)

    @app.get("/orders")
    async def orders(who: Claims = protect("orders:read")): ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Security
from fastapi.openapi.models import OpenIdConnect
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from mintmark.frameworks.asgi import CLAIMS, ScopeRequest
from mintmark.frameworks.protecting import require_of, resource_server_of
from mintmark.frameworks.starlette import RefusedRequest, install
from mintmark.net.discovery import metadata_addresses
from mintmark.resource_server import Refusal, Require, ResourceServer

__all__ = ["Protect", "RefusedRequest"]


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
        self.resource_server = resource_server_of(issuer, audience, resource_server, options)
        self._scheme_name = scheme_name
        if app is not None:
            self.install(app)

    def install(self, app: FastAPI) -> None:
        """Make an application answer refusals exactly, publish the metadata, and run the background work."""
        install(app, self.resource_server)

    def __call__(
        self,
        scopes: str | Sequence[str] | Require = (),
        *,
        into: type[Any] | None = None,
        optional: bool = False,
        **conditions: Any,
    ) -> Any:
        """Return the marker for a parameter that receives the claims of a sufficient token.

        :param scopes: what the token must carry; with ``conditions`` as :class:`Require` names them, or a
            ready Require.
        :param into: the type that the parameter gets instead of Claims.
        :param optional: the parameter gets None when the request brings no token; one that is brought must be
            good all the same.
        """
        require = require_of(scopes, conditions)
        scheme = _Scheme(self.resource_server, require, into, optional, self._scheme_name)
        return Security(scheme, scopes=[*require.scopes, *require.any_scope])


class _Scheme(SecurityBase):
    """The dependency: an OpenID Connect security scheme that also checks."""

    def __init__(
        self,
        server: ResourceServer,
        require: Require,
        into: type[Any] | None,
        optional: bool,
        scheme_name: str,
    ) -> None:
        self.model = OpenIdConnect(openIdConnectUrl=metadata_addresses(server.issuer)[0])
        self.scheme_name = scheme_name
        self._server = server
        self._require = require
        self._into = into
        self._optional = optional

    async def __call__(self, connection: HTTPConnection) -> Any:
        try:
            request = ScopeRequest(connection.scope)
            if self._optional and not self._server.brings_token(request):
                return None
            if self._into is not None:
                return await self._server.acheck(request, self._require, into=self._into)
            claims = await self._server.acheck(request, self._require)
        except Refusal as refusal:
            raise RefusedRequest(refusal) from refusal
        connection.scope[CLAIMS] = claims
        return claims
