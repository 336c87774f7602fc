"""Flask: an extension with ``init_app``, a decorator for views, the claims as a proxy.

::

    protect = Protect("https://auth.example.com", "orders", app=app)

    @app.get("/orders")
    @protect("orders:read")
    def orders(): return {"person": claims.subject}
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from werkzeug.local import LocalProxy

from mintmark.errors import ConfigurationError
from mintmark.frameworks.protecting import require_of, resource_server_of
from mintmark.frameworks.wsgi import EnvironRequest
from mintmark.jwt import Claims
from mintmark.resource_server import Refusal, Require, ResourceServer

__all__ = ["Protect", "claims"]

P = ParamSpec("P")
R = TypeVar("R")

_EXTENSION = "mintmark"
_CONFIG = {
    "MINTMARK_ISSUER": "issuer",
    "MINTMARK_AUDIENCE": "audience",
    "MINTMARK_EXTERNAL_URL": "external_url",
    "MINTMARK_LEEWAY": "leeway",
    "MINTMARK_CA_FILE": "ca_file",
    "MINTMARK_ALLOW_HTTP": "allow_http",
}


def _claims() -> Claims:
    found: Claims | None = g.get("mintmark_claims")
    if found is None:
        raise ConfigurationError("There are no claims: this view is not protected.", hint="@protect(…)")
    return found


claims: Claims = cast("Claims", LocalProxy(_claims))
"""The claims of the present request's token, in a view that is protected."""


class Protect:
    """Protects the views of a Flask application with access tokens.

    Without arguments it is configured by the application: ``MINTMARK_ISSUER``, ``MINTMARK_AUDIENCE`` and, if
    need be, ``MINTMARK_EXTERNAL_URL``, ``MINTMARK_LEEWAY``, ``MINTMARK_CA_FILE``, ``MINTMARK_ALLOW_HTTP``.

    :param issuer: who issues the tokens, and ``audience``: this service's name there. Further ``options`` go
        to :class:`ResourceServer`.
    :param resource_server: a ready ResourceServer instead of all of these.
    :param app: the application; else call :meth:`init_app`.
    :raises ConfigurationError: neither issuer and audience nor a resource server, or both.
    """

    def __init__(
        self,
        issuer: str | None = None,
        audience: str | Sequence[str] | None = None,
        *,
        app: Flask | None = None,
        resource_server: ResourceServer | None = None,
        **options: Any,
    ) -> None:
        stated = issuer is not None or audience is not None or resource_server is not None or options
        self._server = resource_server_of(issuer, audience, resource_server, options) if stated else None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make an application answer refusals exactly and publish the metadata.

        :raises ConfigurationError: nothing was said here, and the application's configuration says nothing.
        """
        server = self._server or _configured(app.config)
        app.extensions[_EXTENSION] = server
        app.register_error_handler(Refusal, _answer)
        metadata = server.metadata
        if metadata is not None:
            document = metadata.document()
            app.add_url_rule(
                metadata.path, "mintmark_metadata", lambda: Response(document, mimetype="application/json")
            )

    def __call__(
        self, scopes: str | Sequence[str] | Require = (), **conditions: Any
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return the decorator of a view that needs a token with these scopes and conditions.

        It stands below ``@app.route``, next to the function. Coroutine views are checked before they begin.
        """
        require = require_of(scopes, conditions)

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                server: ResourceServer = current_app.extensions[_EXTENSION]
                g.mintmark_claims = server.check(EnvironRequest(request.environ), require)
                answer: R = current_app.ensure_sync(view)(*args, **kwargs)
                return answer

            return guarded

        return decorate


def _configured(config: Mapping[str, Any]) -> ResourceServer:
    found = {name: config[key] for key, name in _CONFIG.items() if config.get(key) is not None}
    if "issuer" not in found or "audience" not in found:
        raise ConfigurationError(
            "Protect needs issuer and audience.",
            hint="Give them to Protect, or set MINTMARK_ISSUER and MINTMARK_AUDIENCE in the app's config.",
        )
    return ResourceServer(**found)


def _answer(refusal: Refusal) -> Response:
    """Answer with the refusal's own bytes."""
    return Response(refusal.body, refusal.status, list(refusal.headers))
