"""Plain WSGI (PEP 3333): a middleware for any WSGI application, and what the other WSGI frameworks share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mintmark.resource_server import Refusal, Require, ResourceServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["CLAIMS", "EnvironRequest", "ProtectMiddleware"]

CLAIMS = "mintmark.claims"
"""Where the claims are found in a WSGI environ."""

_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class EnvironRequest:
    """A :class:`~mintmark.resource_server.Request` over a WSGI environ.

    Servers join repeated headers by commas, so a second token shows as a malformed first one.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    @property
    def method(self) -> str:
        """The HTTP method."""
        method: str = self._environ["REQUEST_METHOD"]
        return method

    @property
    def url(self) -> str:
        """Path and query; the path is quoted anew, for WSGI hands it on unquoted."""
        path, query = quote(_path(self._environ), encoding="latin-1"), self._environ.get("QUERY_STRING", "")
        return f"{path}?{query}" if query else path

    def values(self, name: str) -> Sequence[str]:
        """Return the header's values, one at most."""
        key = _UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        value = self._environ.get(key)
        return () if value is None else (value,)


class ProtectMiddleware:
    """Lets only requests with a sufficient access token through to a WSGI application.

    The application finds the claims under ``environ["mintmark.claims"]``.

    :param require: what every request must carry; routes may ask for more.
    :param public: paths that need no token, compared exactly.
    """

    def __init__(
        self,
        app: WSGIApplication,
        resource_server: ResourceServer,
        require: Require | None = None,
        *,
        public: Collection[str] = (),
    ) -> None:
        self._app = app
        self._server = resource_server
        self._require = require
        self._public = frozenset(public)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Check one request and pass it on, or answer with the refusal."""
        environ.pop(CLAIMS, None)  # only this middleware says who somebody is (research row O22)
        path, metadata = _path(environ), self._server.metadata
        if path in self._public:
            return self._app(environ, start_response)
        if metadata is not None and path == metadata.path:
            headers = [("Content-Type", "application/json")]
            return _send(environ, start_response, 200, headers, metadata.document())
        try:
            environ[CLAIMS] = self._server.check(EnvironRequest(environ), self._require)
        except Refusal as refusal:
            return _send(environ, start_response, refusal.status, refusal.headers, refusal.body)
        return self._app(environ, start_response)


def _path(environ: WSGIEnvironment) -> str:
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path


def _send(
    environ: WSGIEnvironment,
    start_response: Callable[..., Any],
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
) -> Iterable[bytes]:
    line = f"{status} {HTTPStatus(status).phrase}"
    start_response(line, [*headers, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
