"""Flask: routes to sign in and out with ``init_app``, a decorator for views, the session as a proxy.

::

    sign_in = SignIn("https://auth.example.com", "shop", "https://shop.example.com/callback",
                     client_secret=…, cookie_key=…, app=app)

    @app.get("/orders")
    @sign_in.required
    def orders(): return f"Good morning, {session.claims['name']}"
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Response, abort, current_app, g, request
from werkzeug.local import LocalProxy

from mintmark.client.sign_in import Reply, Session, Visit
from mintmark.client.sign_in.visit import LONGEST_FORM
from mintmark.errors import ConfigurationError
from mintmark.frameworks.sign_in.translating import Adapter, visit_of
from mintmark.frameworks.wsgi import EnvironRequest

__all__ = ["SignIn", "session"]

P = ParamSpec("P")
R = TypeVar("R")


def _session() -> Session:
    found: Session | None = g.get("mintmark_session")
    if found is None:
        raise ConfigurationError("There is no session: this view is not for signed-in people only.")
    return found


session: Session = cast("Session", LocalProxy(_session))
"""The session of the person who sent the present request, in a view that requires one."""


class SignIn(Adapter):
    """Signs people in to a Flask application.

    It is made as :class:`~.translating.Adapter` says.

    :param app: the application; else call :meth:`init_app`.
    """

    def __init__(
        self,
        issuer: str | None = None,
        client_id: str | None = None,
        redirect_uri: str | None = None,
        *,
        app: Flask | None = None,
        **options: Any,
    ) -> None:
        super().__init__(issuer, client_id, redirect_uri, **options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the routes, and see to it that renewed cookies reach the browser."""
        app.after_request(_carry_cookies)
        for path in self.core.paths:
            view = functools.partial(self._serve, path)
            app.add_url_rule(
                path, f"mintmark{path.replace('/', '_').replace('.', '_')}", view, methods=["GET", "POST"]
            )

    def required(self, view: Callable[P, R]) -> Callable[P, R]:
        """Decorate a view that is for signed-in people. It stands below ``@app.route``.

        Whoever opens the page is sent to sign in, and back; a script gets 401.
        """

        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            self._admit(required=True)
            answer: R = current_app.ensure_sync(view)(*args, **kwargs)
            return answer

        return guarded

    def person(self) -> Session | None:
        """Return the session of whoever sent the present request, in any view; None for nobody."""
        return self._admit(required=False)

    def _admit(self, *, required: bool) -> Session | None:
        admitted = self.core.admit(_visit(), required=required)
        if isinstance(admitted, Reply):
            abort(_respond(admitted))
        g.mintmark_session = admitted.session
        g.mintmark_cookies = admitted.cookies
        return admitted.session

    def _serve(self, path: str) -> Response:
        form = request.stream.read(LONGEST_FORM + 1) if request.method == "POST" else b""
        return _respond(self.core.answer(_visit(form), path))


def _visit(form: bytes = b"") -> Visit:
    url = EnvironRequest(request.environ).url
    return visit_of(request.method, url, request.headers.items(), form)


def _carry_cookies(response: Response) -> Response:
    cookies = g.pop("mintmark_cookies", ())
    for cookie in cookies:
        response.headers.add("Set-Cookie", cookie.header)
    if cookies:
        response.headers["Cache-Control"] = "no-store"
    return response


def _respond(reply: Reply) -> Response:
    headers = [*reply.headers, *(("Set-Cookie", cookie.header) for cookie in reply.cookies)]
    return Response(reply.body, reply.status, headers)
