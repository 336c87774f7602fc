"""Assembly: settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mintmark.authorization_server.access_log import AccessLog, log_request
from mintmark.authorization_server.assembly import opened
from mintmark.authorization_server.claims import ClaimHook
from mintmark.authorization_server.first_start import introduce_people
from mintmark.authorization_server.logs import log_event, log_failure
from mintmark.authorization_server.oauth.service import Service, service_of
from mintmark.authorization_server.oauth.table import ENDPOINTS
from mintmark.authorization_server.settings import Settings
from mintmark.authorization_server.web.routes import page_routes

__all__ = ["AuthorizationServer", "create_app"]

_KEY_TICK = 1.0
_DENY_TICK = 0.25
_REGISTRY_TICK = 0.5
_CLEAN_UP = 60.0


def create_app(
    settings: Settings,
    *,
    claims_hook: ClaimHook | None = None,
    clock: Callable[[], float] = time.time,
    heartbeat: float = 15.0,
) -> AuthorizationServer:
    """Return the authorization server as an ASGI application.

    Its lifespan opens the database, makes what a first start needs, and runs the key schedule, the deny log,
    the registry and the clean-up until it ends. ``app.service`` is the :class:`Service` while it runs.

    Open revocation feeds end when ``app.service.stopping`` is set, as ``mintmark serve`` does when it
    is told to stop; another server needs a limit for its graceful stop. And its own access log should be
    off: it would write query strings.

    :param claims_hook: gets a :class:`~mintmark.authorization_server.claims.Wanted` for each token, and for
        each answer of userinfo, and returns claims to add. It runs in the event loop, so it must not wait for
        anything; when it raises, or sets a claim that the protocol owns, there is no token (500).

    :raises ConfigurationError: at the start of the lifespan, one line: a newer database, a key file with
        wrong rights.
    """

    return AuthorizationServer(lambda: _running(settings, clock, heartbeat, claims_hook))


class AuthorizationServer(Starlette):
    """The ASGI application; it finds who answers by one look into a table of methods and paths.

    A router tries its routes one after the other, behind layers of middleware. They are there as well: for
    paths with a part that varies, for what asks in another way, for an application that is mounted below a
    path, and for one to which somebody has added middleware.
    """

    service: Service
    """What answers, while the lifespan lasts."""

    def __init__(self, run: Callable[[], AbstractAsyncContextManager[Service]]) -> None:
        """:param run: opens the service, runs what repeats, and ends both."""

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with run() as self.service:
                yield

        routes = [
            *(_route(path) for path in ENDPOINTS),
            *page_routes(),
            Route("/health", _alive, methods=["GET"]),
            Route("/ready", _ready, methods=["GET"]),
        ]
        super().__init__(
            routes=routes,
            lifespan=lifespan,
            middleware=[Middleware(AccessLog, routes=routes)],
            exception_handlers={HTTPException: _http_problem, Exception: _our_fault},
        )
        self._own = list(self.user_middleware)
        self.router.redirect_slashes = False  # it would answer 307, to wherever the Host header says
        self._answers: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            (method, route.path): route.endpoint
            for route in routes
            for method in ("GET", "POST")
            if "{" not in route.path and method in (route.methods or ())
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        answer = None
        if scope["type"] == "http" and not scope.get("root_path") and self.user_middleware == self._own:
            answer = self._answers.get((scope["method"], scope["path"]))
        if answer is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        status, begun = 0, time.perf_counter()
        request = Request(scope, receive, send)
        try:
            response = await answer(request)
            status = response.status_code
            await response(scope, receive, send)
        except Exception as error:
            fault = await _our_fault(request, error)
            if not status:
                status = 500
                await fault(scope, receive, send)
            raise  # the server closes the connection
        finally:
            log_request(scope, scope["path"], status, begun)


def _route(path: str) -> Route:
    endpoint = ENDPOINTS[path]
    methods = [*endpoint.methods, "OPTIONS"] if endpoint.cors else list(endpoint.methods)
    return Route(path, endpoint.answer, methods=methods)


@contextlib.asynccontextmanager
async def _running(
    settings: Settings, clock: Callable[[], float], heartbeat: float, claims_hook: ClaimHook | None
) -> AsyncIterator[Service]:
    """Run what repeats while the service is open."""
    async with opened(settings, clock=clock, heartbeat=heartbeat, claims_hook=claims_hook) as service:
        await introduce_people(service.people, settings, clock())
        repeating = [
            asyncio.create_task(_repeat("keys", _KEY_TICK, service.keys.tick, clock)),
            asyncio.create_task(_repeat("deny_log", _DENY_TICK, service.deny_log.tick, clock)),
            asyncio.create_task(_repeat("registry", _REGISTRY_TICK, service.registry.tick, clock)),
            asyncio.create_task(_repeat("clean_up", _CLEAN_UP, service.database.clean_up, clock)),
        ]
        log_event("started", issuer=settings.issuer, clients=len(service.catalogue.clients))
        try:
            yield service
        finally:
            service.stopping.set()
            for task in repeating:
                task.cancel()
            await asyncio.gather(*repeating, return_exceptions=True)
            log_event("stopped")


async def _repeat(
    name: str, every: float, work: Callable[[float], Awaitable[object]], clock: Callable[[], float]
) -> None:
    """Do ``work(now)`` for ever; a failure is written down, and the next turn tries again."""
    while True:
        await asyncio.sleep(every)
        try:
            await work(clock())
        except Exception as error:
            log_failure("task_failed", error, task=name)


async def _alive(request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def _ready(request: Request) -> Response:
    """The database answers, and the key schedule is not late."""
    service = service_of(request)
    problem = "the key schedule is late" if service.keys.late(service.clock()) > 0 else None
    try:
        await service.people.find("-")
    except Exception as error:
        log_failure("not_ready", error)
        problem = "the database does not answer"
    status, body = (200, {"status": "ok"}) if problem is None else (503, {"status": "unavailable"})
    if problem is not None:
        body["problem"] = problem
    return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store"})


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _http_problem(request: Request, error: Exception) -> Response:
    """No such page, or no such method there."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    title = {404: "There is no such page", 405: "This page cannot be used that way"}.get(
        status, "This did not work"
    )
    if _wants_page(request):
        response = service_of(request).pages.problem(status, title, "Check the address, or go back.")
    else:
        response = JSONResponse({"error": "invalid_request", "error_description": title}, status_code=status)
    response.headers.update(headers)
    return response


async def _our_fault(request: Request, error: Exception) -> Response:
    """Whatever should not have happened: written down with its place, answered without it."""
    log_failure("server_error", error)
    text = "Something failed on our side. It has been written down; please try again."
    if _wants_page(request):
        response: Response = service_of(request).pages.problem(500, "This did not work", text)
    else:
        response = JSONResponse({"error": "server_error", "error_description": text}, status_code=500)
    response.headers["Connection"] = "close"  # the server does it after a failure; nobody sends into that
    return response
