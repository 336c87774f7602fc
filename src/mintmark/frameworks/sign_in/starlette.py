"""Starlette and FastAPI: routes to sign in and out, a decorator, and the same as a dependency.

::

    sign_in = SignIn("https://auth.example.com", "shop", "https://shop.example.com/callback",
                     client_secret=…, cookie_key=…)

    @sign_in.required                                    # Starlette: request.scope holds the session
    async def orders(request): return HTMLResponse(sign_in.session(request).subject)

    @app.get("/orders")                                  # FastAPI
    async def orders(who: Annotated[Session, Depends(sign_in)]): ...

    sign_in.install(app)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mintmark.client.sign_in import Cookie, Reply, Session, Visit
from mintmark.client.sign_in.visit import LONGEST_FORM
from mintmark.errors import ConfigurationError
from mintmark.frameworks.asgi import ScopeRequest
from mintmark.frameworks.sign_in.translating import Adapter, visit_of

__all__ = ["Sent", "SignIn"]

_SESSION = "mintmark.session"
_COOKIES = "mintmark.session.cookies"


class Sent(HTTPException):
    """A request that gets the sign-in's own answer, as Starlette's own kind of exception."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, headers=dict(reply.headers))
        self.reply = reply


class SignIn(Adapter):
    """Signs people in to a Starlette or FastAPI application.

    It is made as :class:`~.translating.Adapter` says.
    """

    def install(self, app: Starlette) -> None:
        """Add the routes, and see to it that renewed cookies reach the browser. Do it before serving."""
        app.add_exception_handler(Sent, _answer)
        app.add_middleware(_Cookies)
        for path in self.core.paths:
            endpoint = functools.partial(self._serve, path)
            route = Route(path, endpoint, methods=["GET", "POST"], include_in_schema=False)
            app.router.routes.insert(0, route)  # before any mount that takes everything

    async def __call__(self, request: HTTPConnection) -> Session:
        """Return the session, or send the person to sign in: the dependency of FastAPI's routes."""
        session = await self._admit(request, required=True)
        if session is None:
            raise AssertionError("admitted without a session")
        return session

    async def optional(self, request: HTTPConnection) -> Session | None:
        """Return the session if somebody is signed in: the dependency of pages for everybody."""
        return await self._admit(request, required=False)

    def required(self, endpoint: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Decorate a Starlette endpoint, coroutine or plain function, that is for signed-in people."""
        is_coroutine = inspect.iscoroutinefunction(endpoint)

        @functools.wraps(endpoint)
        async def guarded(request: HTTPConnection) -> Any:
            request.scope[_SESSION] = await self(request)
            return await (endpoint(request) if is_coroutine else run_in_threadpool(endpoint, request))

        return guarded

    @staticmethod
    def session(request: HTTPConnection) -> Session:
        """Return the session in an endpoint that is decorated by :meth:`required`."""
        session: Session = request.scope[_SESSION]
        return session

    async def _admit(self, connection: HTTPConnection, *, required: bool) -> Session | None:
        if _COOKIES not in connection.scope:
            raise ConfigurationError(
                "Sign-in is not installed in this application.", hint="sign_in.install(app)"
            )
        admitted = await self.core.aadmit(_visit(connection.scope), required=required)
        if isinstance(admitted, Reply):
            raise Sent(admitted)
        connection.scope[_COOKIES][:] = admitted.cookies
        return admitted.session

    async def _serve(self, path: str, request: Request) -> Response:
        form = await _body(request) if request.method == "POST" else b""
        return _respond(await self.core.aanswer(_visit(request.scope, form), path))


class _Cookies:
    """Puts the session's cookies on whatever is answered, and keeps such an answer out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        cookies: list[Cookie] = []
        scope[_COOKIES] = cookies

        async def sending(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept") and cookies:
                message["headers"] = _with(cookies, message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, sending)


def _with(cookies: Iterable[Cookie], headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"cache-control"]
    lines = [(b"set-cookie", cookie.header.encode("latin-1")) for cookie in cookies]
    return [*kept, *lines, (b"cache-control", b"no-store")]


def _visit(scope: MutableMapping[str, Any], form: bytes = b"") -> Visit:
    # A WebSocket is opened by any page that likes: like a post, it must come from our own (row O17).
    method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return visit_of(method, ScopeRequest(scope).url, headers, form)


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            return b""
    return body


async def _answer(_: HTTPConnection, error: Exception) -> Response:
    if not isinstance(error, Sent):
        raise error
    return _respond(error.reply)


def _respond(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, dict(reply.headers))
    for cookie in reply.cookies:
        response.headers.append("Set-Cookie", cookie.header)
    return response
