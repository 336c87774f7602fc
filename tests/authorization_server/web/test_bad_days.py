"""When the service is busy or broken: Retry-After, plain words, no inner life on the wire or in the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark.authorization_server.people import PeopleBusy
from mintmark.authorization_server.storage import StorageUnavailable

from ..running import Browser, answer_of
from .test_logs import written


def failing(error: Exception) -> Any:
    async def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_too_many_sign_ins_at_once_are_503_with_a_friendly_page(
    own: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = own.authorize()
    with monkeypatch.context() as patch:
        patch.setattr(own.server.service.people, "check_password", failing(PeopleBusy(3)))
        busy = own.sign_in(page)
    assert busy.status_code == 503
    assert int(busy.headers["retry-after"]) >= 3
    assert "Many people are signing in" in busy.text
    assert answer_of(own.sign_in(busy))["code"]


def test_a_database_that_does_not_answer_is_503_everywhere(
    own: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = own.tokens()
    sessions = own.server.service.sessions
    for name in ("refresh", "find_sign_in", "revoke_refresh_token"):
        monkeypatch.setattr(sessions, name, failing(StorageUnavailable("the disk is full")))
    refreshed = own.refresh(tokens["refresh_token"])
    assert refreshed.status_code == 503
    assert refreshed.headers["retry-after"]
    assert refreshed.json()["error"] == "temporarily_unavailable"
    assert own.http.post("/revoke", data={"client_id": "app", "token": "x"}).status_code == 503
    for path in ("/", "/authorize?client_id=app"):
        page = own.http.get(path)
        assert page.status_code == 503
        assert page.headers["retry-after"]
        assert "disk" not in page.text


def test_a_sign_in_that_could_not_be_written_is_503_and_no_error_for_the_application(
    own: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = own.authorize()
    with monkeypatch.context() as patch:
        patch.setattr(own.server.service.sessions, "create_code", failing(StorageUnavailable("full")))
        busy = own.sign_in(page)
    assert busy.status_code == 503
    assert "location" not in busy.headers
    assert "Try again" in busy.text
    assert own.authorize().status_code == 200  # the page that asks for the password
    assert answer_of(own.sign_in(page))["code"]
    with monkeypatch.context() as patch:  # signed in already: that is the application's to hear
        patch.setattr(own.server.service.sessions, "create_code", failing(StorageUnavailable("full")))
        assert answer_of(own.authorize())["error"] == "temporarily_unavailable"


def test_our_own_fault_tells_nothing_of_itself(own: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = own.tokens()
    broken = failing(RuntimeError(f"with {tokens['refresh_token']}"))
    monkeypatch.setattr(own.server.service.sessions, "refresh", broken)
    monkeypatch.setattr(own.server.service.sessions, "find_sign_in", broken)
    with written() as stream:
        answer = own.refresh(tokens["refresh_token"])
        page = own.http.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == page.status_code == 500
    assert answer.json()["error"] == "server_error"
    assert "written down" in page.text
    for text in (answer.text, page.text, stream.getvalue()):
        assert tokens["refresh_token"] not in text
    assert '"RuntimeError"' in stream.getvalue()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert 500 in [line["status"] for line in lines if line.get("route") == "/token"]


def test_ready_says_when_the_database_does_not_answer(own: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own.server.service.people, "find", failing(StorageUnavailable("gone")))
    ready = own.http.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["problem"] == "the database does not answer"
    assert own.http.get("/health").status_code == 200
