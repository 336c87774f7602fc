"""The revocation feed: who may read it, what it says, how soon, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mintmark.jose.jwks import KeySet
from mintmark.jwt import REVOCATIONS, UNCHECKED, Verifier

from ..running import LEDGER_SECRET, ORDERS_SECRET, Browser, Running, basic, claims_of

CREDENTIALS = basic("orders", ORDERS_SECRET)


@contextmanager
def feed(server: Running, **headers: str) -> Iterator[Iterator[str]]:
    with (
        httpx.Client(base_url=server.url, timeout=5) as http,
        http.stream("GET", "/revocations", headers={**CREDENTIALS, **headers}) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield response.iter_lines()


def next_event(lines: Iterator[str]) -> tuple[int, dict[str, Any]]:
    """Return id and data of the next event, skipping signs of life."""
    number = -1
    for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            return number, json.loads(line[6:])
    raise AssertionError("the feed ended")


def test_O11_a_sign_out_is_told_within_a_second(own: Browser) -> None:
    sid = claims_of(own.tokens()["access_token"])["sid"]
    with feed(own.server) as lines:
        begun = time.monotonic()
        own.submit(own.http.get("/sign-out"))
        number, entry = next_event(lines)
        assert time.monotonic() - begun < 1
    assert number > 0
    assert (entry["kind"], entry["value"]) == ("sid", sid)
    assert entry["exp"] > own.server.clock() >= entry["iat"]


def test_a_quiet_feed_shows_signs_of_life(server: Running) -> None:
    with feed(server) as lines:
        assert ": heartbeat" in (next(lines) for _ in range(12))


def revoked(own: Browser) -> str:
    tokens = own.tokens()
    own.http.post("/revoke", data={"client_id": "app", "token": tokens["access_token"]})
    return str(claims_of(tokens["access_token"])["jti"])


def test_a_reader_resumes_where_it_was(own: Browser) -> None:
    first, second = revoked(own), revoked(own)
    with feed(own.server) as lines:
        number, entry = next_event(lines)
        assert entry["value"] == first
    with feed(own.server, **{"Last-Event-ID": str(number)}) as lines:
        assert next_event(lines)[1]["value"] == second


@pytest.mark.parametrize("last", ["", "999999", "-1", "x", "1e3", "9" * 40])
def test_an_id_that_is_not_ours_starts_with_everything(own: Browser, last: str) -> None:
    first = revoked(own)
    with feed(own.server, **{"Last-Event-ID": last}) as lines:
        assert next_event(lines)[1]["value"] == first


def test_entries_die_with_the_last_token_they_match(own: Browser) -> None:
    revoked(own)
    own.server.clock.advance(1000)  # 600 of the token, and the leeway that a verifier may grant
    later = revoked(own)
    with feed(own.server) as lines:
        assert next_event(lines)[1]["value"] == later


def test_the_snapshot_is_signed_and_complete(own: Browser) -> None:
    values = {revoked(own), revoked(own)}
    response = own.http.get("/revocations/snapshot", headers=CREDENTIALS)
    assert response.headers["content-type"] == "application/revocations+jwt"
    assert response.headers["cache-control"] == "no-store"
    verifier = Verifier(
        issuer=own.server.url,
        audience=UNCHECKED,
        keys=KeySet.from_jwks(own.http.get("/jwks").json()),
        profile=REVOCATIONS,
        clock=own.server.clock,
    )
    claims = verifier.verify(response.text)
    assert {entry["value"] for entry in claims["entries"]} == values
    assert claims["seq"] == own.server.service.deny_log.last_seq


@pytest.mark.parametrize("path", ["/revocations", "/revocations/snapshot"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("orders", "wrong"),
        basic("ledger-job", LEDGER_SECRET),  # no resource server
        basic("app", "x"),
        {"Authorization": "Bearer x"},
    ],
)
def test_only_registered_resource_servers_read(browser: Browser, path: str, headers: dict[str, str]) -> None:
    response = browser.http.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Basic")
    assert response.json()["error"] == "invalid_client"


def test_open_feeds_end_when_the_service_stops(tmp_path: Path) -> None:
    with Running(tmp_path, heartbeat=60) as server, feed(server) as lines:
        next(lines)
        begun = time.monotonic()
        server.__exit__()
        assert list(lines)[-1:] in ([], [""])
        assert time.monotonic() - begun < 3
