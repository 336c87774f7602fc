"""Every framework gives every request of the table the same answer, byte for byte (checklist D4-D9, D11)."""

from __future__ import annotations

import json
import logging
from functools import cache

import pytest

from frameworks.apps import BUILDERS, Driver
from frameworks.request_table import CASES, METADATA_URL, ROUTES, SERVERS, Case


@cache
def driver(framework: str, server: str) -> Driver:
    return BUILDERS[framework](SERVERS[server], ROUTES)


@pytest.mark.parametrize("framework", BUILDERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_framework_answers_alike(framework: str, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="mintmark"):
        answer = driver(framework, case.server)(case.method, case.path, case.headers)
    assert answer.status == case.status
    assert answer.header("www-authenticate") == case.challenge
    assert answer.header("retry-after") == case.retry_after
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("mintmark")]
    if case.body is None:
        assert json.loads(answer.body) == {"sub": "alice"}
        assert lines == []
        return
    assert answer.body == json.dumps(case.body, separators=(",", ":")).encode()
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-length") == str(len(answer.body))
    assert len(lines) == 1
    logged = json.loads(lines[0].removeprefix("refused "))
    assert (logged["status"], logged["code"]) == (case.status, case.reason)
    for _, value in case.headers:  # never the token, nor a third of it
        for piece in value.replace(".", " ").split():
            assert len(piece) < 20 or piece not in lines[0]


@pytest.mark.parametrize("framework", BUILDERS)
def test_D11_the_resource_metadata_is_where_the_challenge_says(framework: str) -> None:
    path = METADATA_URL.removeprefix("https://api.example.com")
    answer = driver(framework, "described")("GET", path, ())
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert json.loads(answer.body) == {
        "resource": "https://api.example.com/v1",
        "authorization_servers": ["https://auth.example.com"],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["orders:read"],
        "resource_name": "Orders",
    }
