"""The plain WSGI middleware."""

from __future__ import annotations

from typing import Any

import pytest

from frameworks.calling import call_wsgi
from frameworks.request_table import make_server
from mintmark.frameworks.wsgi import CLAIMS, EnvironRequest, ProtectMiddleware


def echo(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"somebody" if CLAIMS in environ else b"nobody"]


@pytest.mark.parametrize(
    ("url", "status"), [("/health", 200), ("/health?x", 200), ("/health/", 401), ("/health/../orders", 401)]
)
def test_public_paths_are_compared_exactly(url: str, status: int) -> None:
    app = ProtectMiddleware(echo, make_server(), public=("/health",))
    assert call_wsgi(app, "GET", url).status == status


def test_O22_claims_of_somebody_outside_are_dropped() -> None:
    app = ProtectMiddleware(echo, make_server(), public=("/health",))

    def outer(environ: Any, start_response: Any) -> Any:
        return app(environ | {CLAIMS: "admin"}, start_response)

    assert call_wsgi(outer, "GET", "/health").body == b"nobody"


def test_an_answer_to_head_has_no_body() -> None:
    answer = call_wsgi(ProtectMiddleware(echo, make_server()), "HEAD", "/orders")
    assert (answer.status, answer.body) == (401, b"")
    assert int(answer.header("content-length") or 0) > 0


def test_the_url_is_put_together_again() -> None:
    environ = {"SCRIPT_NAME": "/api", "PATH_INFO": "/\xc3\xa4 b", "QUERY_STRING": "c=d"}
    assert EnvironRequest(environ).url == "/api/%C3%A4%20b?c=d"
