"""A Django site in the test's own process: one configuration, as many sets of routes as tests want."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings
from django.urls import path as route

from frameworks.calling import Answer, Headers, call_asgi, call_wsgi
from mintmark.resource_server import ResourceServer

urlpatterns: list[Any] = []
MIDDLEWARE = "mintmark.frameworks.django.ProtectMiddleware"


class Site:
    """A site with these views around this resource server; with the middleware if it publishes metadata."""

    def __init__(
        self,
        server: ResourceServer | None,
        views: Mapping[str, Any],
        *,
        middleware: bool = False,
        **more: Any,
    ) -> None:
        urls = types.ModuleType("urls")
        urls.urlpatterns = [route(path.removeprefix("/"), view) for path, view in views.items()]  # type: ignore[attr-defined]
        setting = {"RESOURCE_SERVER": server} if server is not None else {}
        guarded = middleware or (server is not None and server.metadata is not None)
        self._settings: dict[str, Any] = {
            "ROOT_URLCONF": urls,
            "MINTMARK": setting | more,
            "MIDDLEWARE": [MIDDLEWARE] if guarded else [],
        }

    def call_wsgi(self, method: str, url: str, headers: Headers = ()) -> Answer:
        with override_settings(**self._settings):
            return call_wsgi(WSGIHandler(), method, url, headers)

    def call_asgi(self, method: str, url: str, headers: Headers = ()) -> Answer:
        with override_settings(**self._settings):
            return call_asgi(ASGIHandler(), method, url, headers)
