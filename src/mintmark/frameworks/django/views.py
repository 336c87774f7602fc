"""The decorator and the middleware."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from mintmark.frameworks.django.configuration import public_paths, resource_server
from mintmark.frameworks.protecting import require_of
from mintmark.frameworks.wsgi import EnvironRequest
from mintmark.resource_server import Refusal, Require

__all__ = ["ProtectMiddleware", "protect", "respond"]

View = Callable[..., Any]


def respond(refusal: Refusal) -> HttpResponse:
    """Turn a refusal into its response, byte for byte."""
    headers = dict(refusal.headers) | {"Content-Length": str(len(refusal.body))}
    return HttpResponse(refusal.body, status=refusal.status, headers=headers)


def protect(scopes: str | Sequence[str] | Require = (), **conditions: Any) -> Callable[[View], View]:
    """Return the decorator of a view that needs a token with these scopes and conditions.

    The view, a function or a coroutine function, finds the claims as ``request.claims``.
    """
    require = require_of(scopes, conditions)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                request.claims = resource_server().check(EnvironRequest(request.META), require)
            except Refusal as refusal:
                return respond(refusal)
            return view(request, *args, **kwargs)

        @functools.wraps(view)
        async def aguarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                request.claims = await resource_server().acheck(EnvironRequest(request.META), require)
            except Refusal as refusal:
                return respond(refusal)
            return await view(request, *args, **kwargs)

        return aguarded if iscoroutinefunction(view) else guarded

    return decorate


class ProtectMiddleware:
    """Lets only requests with a valid access token into the site, and publishes the resource's metadata.

    ``MINTMARK["PUBLIC"]`` lists paths that need no token, compared exactly. Views find the claims as
    ``request.claims`` and may ask for more by :func:`protect`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._next = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Check one request and pass it on, or answer with the refusal."""
        if self._is_async:
            return self._acall(request)
        if (published := _published(request)) is not None:
            return published
        if request.path not in public_paths():
            try:
                request.claims = resource_server().check(EnvironRequest(request.META))
            except Refusal as refusal:
                return respond(refusal)
        return self._next(request)

    async def _acall(self, request: HttpRequest) -> Any:
        if (published := _published(request)) is not None:
            return published
        if request.path not in public_paths():
            try:
                request.claims = await resource_server().acheck(EnvironRequest(request.META))
            except Refusal as refusal:
                return respond(refusal)
        return await self._next(request)


def _published(request: HttpRequest) -> HttpResponse | None:
    """Return the resource's metadata (RFC 9728), if that is what is asked for."""
    metadata = resource_server().metadata
    if metadata is None or request.path != metadata.path:
        return None
    return HttpResponse(metadata.document(), content_type="application/json")
