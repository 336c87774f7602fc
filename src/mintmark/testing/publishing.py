"""The HTTP side of an issuer for tests: discovery and key set on a loopback socket, in a thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from mintmark.jose.encoding import json_encode

__all__ = ["DISCOVERY_PATHS", "JWKS_PATH", "Publisher"]

JWKS_PATH: Final = "/jwks"
DISCOVERY_PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_MAX_AGE: Final = 300

Documents = Callable[[str], dict[str, Any] | None]
"""Path to JSON document; None where there is none."""


class Publisher:
    """Serves JSON documents on 127.0.0.1 at a port of its own, until it is closed.

    :param documents: asked at every request, so that what it gives may change.
    :ivar requests: how often each path was asked for, refused connections not counted.
    """

    def __init__(self, documents: Documents) -> None:
        self.is_up = True
        self.requests: Counter[str] = Counter()
        self._documents = documents
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def document(self, path: str) -> bytes | None:
        """Return what is served at a path, and count the request."""
        self.requests[path] += 1
        document = self._documents(path)
        return None if document is None else json_encode(document)

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        super().__init__(("127.0.0.1", 0), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Hang up on everyone while the issuer is down: the port stays ours, the service is gone."""
        return self.publisher.is_up

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        body = self.server.publisher.document(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", f"public, max-age={_MAX_AGE}")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing: a test's output is the test's."""
