"""Token exchange and revocation: E8, E9, O10, O11 of the checklists, and P5."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ..running import (
    ACCESS_TOKEN_TYPE,
    EXCHANGE,
    LEDGER_SECRET,
    ORDERS_SECRET,
    Browser,
    answer_of,
    basic,
    claims_of,
)


def exchange(
    browser: Browser, token: str, client_id: str = "orders", **changes: str | None
) -> httpx.Response:
    data: dict[str, str | None] = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN_TYPE,
        "audience": "billing",
        **changes,
    }
    sent = {name: value for name, value in data.items() if value is not None}
    return browser.http.post("/token", headers=basic(client_id, ORDERS_SECRET), data=sent)


def test_E9_P5_the_person_travels_with_who_acts(browser: Browser) -> None:
    token = browser.tokens()["access_token"]
    response = exchange(browser, token)
    body = response.json()
    assert body["issued_token_type"] == ACCESS_TOKEN_TYPE
    assert body["token_type"] == "Bearer"
    assert "refresh_token" not in body
    assert response.headers["cache-control"] == "no-store"
    before, after = claims_of(token), claims_of(body["access_token"])
    for name in ("iss", "sub", "sid", "grant_id", "auth_time"):
        assert after[name] == before[name]
    assert after["aud"] == "billing"
    assert after["client_id"] == "orders"
    assert after["scope"] == "billing:read"
    assert after["act"] == {"sub": "orders"}
    assert after["exp"] <= before["exp"]
    assert after["jti"] != before["jti"]


def test_E9_the_chain_of_actors_is_kept(browser: Browser) -> None:
    first = exchange(browser, browser.tokens()["access_token"]).json()["access_token"]
    second = exchange(browser, first, "billing", audience="ledger").json()
    assert claims_of(second["access_token"])["act"] == {"sub": "billing", "act": {"sub": "orders"}}
    assert second["scope"] == "ledger:append"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token": "a.b.c"}, "invalid_request"),
        ({"audience": "ledger"}, "invalid_target"),
        ({"audience": "orders"}, "invalid_target"),
        ({"audience": "nobody"}, "invalid_target"),
        ({"resource": "ledger"}, "invalid_target"),
        ({"scope": "billing:read ledger:append"}, "invalid_scope"),
        ({"scope": "orders:read"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN_TYPE}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    ],
)
def test_E9_what_is_outside_policy_is_refused(browser: Browser, changes: dict[str, Any], error: str) -> None:
    response = exchange(browser, browser.tokens()["access_token"], **changes)
    assert response.status_code == 400
    assert response.json()["error"] == error


def test_E9_a_single_permitted_audience_needs_no_naming(browser: Browser) -> None:
    body = exchange(browser, browser.tokens()["access_token"], audience=None).json()
    assert claims_of(body["access_token"])["aud"] == "billing"


def test_O10_only_a_token_that_was_sent_to_this_service_is_exchanged(browser: Browser) -> None:
    for_billing = browser.tokens(resource="billing")["access_token"]
    assert exchange(browser, for_billing).json()["error"] == "invalid_request"
    assert exchange(browser, browser.tokens()["id_token"]).json()["error"] == "invalid_request"


def test_O10_exchange_needs_the_services_own_credentials(browser: Browser) -> None:
    data = {
        "grant_type": EXCHANGE,
        "subject_token": browser.tokens()["access_token"],
        "subject_token_type": ACCESS_TOKEN_TYPE,
        "audience": "billing",
    }
    assert browser.http.post("/token", data=data).status_code == 401
    assert browser.http.post("/token", data={**data, "client_id": "orders"}).status_code == 401
    as_app = browser.http.post("/token", data={**data, "client_id": "app"})
    assert as_app.json()["error"] == "unauthorized_client"


def test_O11_after_sign_out_neither_token_is_good_nor_can_be_exchanged(own: Browser) -> None:
    token = own.tokens()["access_token"]
    exchanged = exchange(own, token).json()["access_token"]
    own.submit(own.http.get("/sign-out"))
    assert exchange(own, token).json()["error"] == "invalid_request"
    assert exchange(own, exchanged, "billing", audience="ledger").json()["error"] == "invalid_request"
    assert own.userinfo(token).status_code == 401


def test_an_expired_subject_token_is_refused_and_lives_are_never_prolonged(own: Browser) -> None:
    token = own.tokens()["access_token"]
    own.server.clock.advance(500)
    exchanged = exchange(own, token).json()
    assert exchanged["expires_in"] <= 100
    own.server.clock.advance(200)
    assert exchange(own, token).json()["error"] == "invalid_request"


def revoke(browser: Browser, token: str | None, client_id: str = "app", **more: str) -> httpx.Response:
    data = {"client_id": client_id, **({"token": token} if token is not None else {}), **more}
    return browser.http.post("/revoke", data=data)


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense"])
def test_E8_a_refresh_token_takes_its_access_tokens_along(browser: Browser, hint: str) -> None:
    tokens = browser.tokens()
    assert revoke(browser, tokens["refresh_token"], token_type_hint=hint).status_code == 200
    assert browser.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert browser.userinfo(tokens["access_token"]).status_code == 401
    assert answer_of(browser.authorize(prompt="none"))["code"]  # the person stays signed in


def test_E8_one_access_token_can_be_taken_back_alone(browser: Browser) -> None:
    tokens = browser.tokens()
    assert revoke(browser, tokens["access_token"]).status_code == 200
    assert browser.userinfo(tokens["access_token"]).status_code == 401
    renewed = browser.refresh(tokens["refresh_token"]).json()
    assert browser.userinfo(renewed["access_token"]).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "x" * 10_000, "ä", "mmr_x.0.y"])
def test_E8_an_unknown_token_is_200(browser: Browser, token: str) -> None:
    response = revoke(browser, token)
    assert response.status_code == 200
    assert response.content == b""


def test_E8_O10_another_clients_tokens_stay(browser: Browser) -> None:
    tokens = browser.tokens()
    for token in (tokens["refresh_token"], tokens["access_token"]):
        assert revoke(browser, token, "other-app").status_code == 200
    assert browser.userinfo(tokens["access_token"]).status_code == 200
    assert browser.refresh(tokens["refresh_token"]).status_code == 200


def test_E8_O10_revocation_needs_the_client(browser: Browser) -> None:
    assert browser.http.post("/revoke", data={"token": "x"}).status_code == 401
    assert revoke(browser, "x", "orders").status_code == 401
    assert revoke(browser, None).json()["error"] == "invalid_request"
    assert browser.http.post(
        "/revoke", headers=basic("ledger-job", LEDGER_SECRET), data={"token": "x"}
    ).is_success
