"""Django: urls to include, decorators for views, a middleware for whole sites.

::

    sign_in = SignIn("https://auth.example.com", "shop", "https://shop.example.com/callback",   # shop/auth.py
                     client_secret=…, cookie_key=…)
    middleware = sign_in.middleware

    urlpatterns = [path("", include(sign_in.urls)), path("orders", orders)]  # shop/urls.py

    @sign_in.required
    def orders(request): return HttpResponse(request.person.subject)

With ``MIDDLEWARE = [..., "shop.auth.middleware"]`` every view has ``request.person``: a session or None.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponse
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt

from mintmark.client.sign_in import Cookie, Current, Reply, Visit
from mintmark.client.sign_in.visit import LONGEST_FORM
from mintmark.frameworks.sign_in.translating import Adapter, visit_of

__all__ = ["SignIn"]


class SignIn(Adapter):
    """Signs people in to a Django site. It is made as :class:`~.translating.Adapter` says."""

    @property
    def urls(self) -> list[Any]:
        """The url patterns, for ``path("", include(sign_in.urls))``."""
        return [route(path.removeprefix("/"), self._view(path)) for path in self.core.paths]

    def required(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a view, plain or async, that is for signed-in people; it finds ``request.person``.

        Whoever opens the page is sent to sign in, and back; a script gets 401.
        """
        return self._decorated(view, required=True)

    def optional(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a view for everybody; ``request.person`` is None when nobody is signed in."""
        return self._decorated(view, required=False)

    def middleware(self, get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Give every view of the site ``request.person``. It is the middleware's factory."""
        looking = self._decorated(get_response, required=False)
        return markcoroutinefunction(looking) if iscoroutinefunction(get_response) else looking

    middleware.sync_capable = True  # type: ignore[attr-defined]
    middleware.async_capable = True  # type: ignore[attr-defined]

    def _decorated(self, view: Callable[..., Any], *, required: bool) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def guarded_async(request: Any, *args: Any, **kwargs: Any) -> Any:
                admitted = await self.core.aadmit(_visit(request), required=required)
                if isinstance(admitted, Reply):
                    return _respond(admitted)
                return _carry(await view(_known(request, admitted), *args, **kwargs), admitted)

            return guarded_async

        @functools.wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
            admitted = self.core.admit(_visit(request), required=required)
            if isinstance(admitted, Reply):
                return _respond(admitted)
            return _carry(view(_known(request, admitted), *args, **kwargs), admitted)

        return guarded

    def _view(self, path: str) -> Callable[[Any], HttpResponse]:
        def serve(request: Any) -> HttpResponse:
            return _respond(self.core.answer(_visit(request, _body(request)), path))

        return csrf_exempt(serve)  # type: ignore[no-any-return]  # the core checks its own forms


def _known(request: Any, admitted: Current) -> Any:
    request.person = admitted.session
    return request


def _visit(request: Any, form: bytes = b"") -> Visit:
    return visit_of(request.method, request.get_full_path(), request.headers.items(), form)


def _body(request: Any) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.method != "POST" or not length.isdecimal() or int(length) > LONGEST_FORM:
        return b""
    body: bytes = request.body
    return body


def _carry(response: Any, admitted: Current) -> Any:
    for cookie in admitted.cookies:
        if cookie.name not in response.cookies:  # a view that signs out has the last word
            _set(response, cookie)
    if admitted.cookies:
        response.headers["Cache-Control"] = "no-store"
    return response


def _respond(reply: Reply) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
    for cookie in reply.cookies:
        _set(response, cookie)
    return response


def _set(response: Any, cookie: Cookie) -> None:
    response.set_cookie(
        cookie.name, cookie.value, max_age=cookie.max_age, secure=cookie.secure, httponly=True, samesite="Lax"
    )
