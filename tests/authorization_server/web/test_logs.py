"""Logs: one JSON object per line, and in them no token, code, password, secret or cookie (O16)."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from mintmark.authorization_server.logs import JsonLines, log_failure

from ..running import ALICE, ORDERS_SECRET, Browser, answer_of, basic, form_of


@contextmanager
def written() -> Iterator[io.StringIO]:
    """Collect everything of this process as the service would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(
        lambda record: not record.name.startswith(("http", "uvicorn.access"))
    )  # the test's client
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def test_O16_nothing_secret_is_ever_logged(own: Browser) -> None:
    secrets: set[str] = {ALICE[1], ORDERS_SECRET, "wrong-password-of-alice", "typed-password-as-name"}
    with written() as stream:
        page = own.authorize()
        own.submit(page, username="alice", password="wrong-password-of-alice")
        own.submit(page, username="typed-password-as-name", password="x")
        done = own.sign_in(page)
        code = answer_of(done)["code"]
        tokens = own.redeem(code).json()
        own.redeem(code)  # a replay
        renewed = own.tokens(prompt="none")
        own.userinfo(renewed["access_token"])
        own.userinfo("not.a.token-of-ours")
        own.refresh(renewed["refresh_token"])
        own.refresh("mmr_made.1.up-by-a-stranger")
        own.http.get(f"/userinfo?access_token={tokens['access_token']}")
        own.http.get(f"/{tokens['access_token']}")
        own.http.post("/token", headers=basic("orders", "wrong-client-secret"), data={"grant_type": "x"})
        own.http.post(
            "/token", headers=basic("orders", ORDERS_SECRET), data={"grant_type": "client_credentials"}
        )
        own.http.post("/revoke", data={"client_id": "app", "token": renewed["refresh_token"]})
        own.http.get("/end-session", params={"id_token_hint": renewed["id_token"]})
        secrets |= {code, "not.a.token-of-ours", "mmr_made.1.up-by-a-stranger", "wrong-client-secret"}
        secrets |= {value for name, value in (tokens | renewed).items() if name.endswith("_token")}
        secrets |= set(own.http.cookies.values()) | {form_of(page)[1]["token"], own.verifier}
        secrets |= {header.split(";")[0].partition("=")[2] for header in done.headers.get_list("set-cookie")}
    text = stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    events = {line["event"] for line in lines}
    assert {"signed_in", "sign_in_refused", "tokens_issued", "refused", "request"} <= events
    for secret in secrets - {"", '""'}:
        assert secret not in text
        assert quote(secret) not in text
        if secret.count(".") >= 2:
            assert secret.rpartition(".")[2] not in text
    assert "?" not in "".join(line.get("route", "") for line in lines if line["event"] == "request")


def test_an_unexpected_error_is_logged_by_class_and_place_only(capsys: pytest.CaptureFixture[str]) -> None:
    with written() as stream:
        try:
            raise ValueError("the token was abc.def.ghi")
        except ValueError as error:
            log_failure("server_error", error)
            logging.getLogger("anything").exception("failed")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["error"] for line in lines] == ["ValueError", "ValueError"]
    assert all("test_logs.py" in line["at"][-1] for line in lines)
    assert "abc.def.ghi" not in stream.getvalue()
    assert capsys.readouterr().out == ""
    assert sys.exc_info()[0] is None


def test_a_route_with_a_number_in_it_is_written_without_the_number(own: Browser) -> None:
    with written() as stream:
        own.http.get("/status-lists/1")
        own.http.get("/status-lists/1/x")
    requests = [
        line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "request"
    ]
    assert [line["route"] for line in requests] == ["/status-lists/{number}", "(other)"]


def test_every_line_is_json_whatever_is_logged() -> None:
    with written() as stream:
        logging.getLogger("x").info("two\nlines %s", "and \u2028 more")
    assert len(stream.getvalue().splitlines()) >= 1
    assert json.loads(stream.getvalue())["event"].startswith("two\nlines")
