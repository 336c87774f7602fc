"""Refresh over HTTP, line by line of section C of the checklist."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ..running import BOB, Browser, claims_of

DAY = 86_400.0


def test_C1_every_use_rotates(own: Browser) -> None:
    tokens = own.tokens()
    renewed = own.refresh(tokens["refresh_token"]).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]


def test_C2_O1_P11_reuse_after_the_grace_ends_that_grant_and_no_other(own: Browser) -> None:
    tokens, other = own.tokens(), own.tokens("other-app", scope="openid")
    second = own.refresh(tokens["refresh_token"]).json()
    third = own.refresh(second["refresh_token"]).json()
    own.server.clock.advance(31)
    assert own.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert own.refresh(third["refresh_token"]).json()["error"] == "invalid_grant"
    assert own.userinfo(third["access_token"]).status_code == 401
    assert own.userinfo(other["access_token"]).status_code == 200
    assert own.refresh(other["refresh_token"], "other-app").status_code == 200


def test_C3_twenty_at_once_get_the_same_successor(own: Browser) -> None:
    token = own.tokens()["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: own.refresh(token).json(), range(20)))
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert own.refresh(answers[0]["refresh_token"]).status_code == 200


def test_a_made_up_token_changes_nothing(own: Browser) -> None:
    token = own.tokens()["refresh_token"]
    head, _, mac = token.rpartition(".")
    forged = f"{head}.{'A' * len(mac)}"
    assert own.refresh(forged).json()["error"] == "invalid_grant"
    assert own.refresh(token).status_code == 200


def test_C4_rotation_can_be_off_for_a_confidential_client(own: Browser) -> None:
    secret = {"client_secret": "web-secret-0123456789abcdef"}
    tokens = own.redeem(own.code("web"), "web", **secret).json()
    first = own.refresh(tokens["refresh_token"], "web", **secret).json()
    own.server.clock.advance(60)
    again = own.refresh(tokens["refresh_token"], "web", **secret).json()
    assert first.get("refresh_token", tokens["refresh_token"]) == tokens["refresh_token"]
    assert again["access_token"] != first["access_token"]


def test_C5_a_token_of_another_client_is_refused_and_stays_good(own: Browser) -> None:
    token = own.tokens()["refresh_token"]
    assert own.refresh(token, "other-app").json()["error"] == "invalid_grant"
    assert own.refresh(token).status_code == 200


def test_C6_wider_is_refused_and_narrower_holds_for_one_token(own: Browser) -> None:
    token = own.tokens(scope="openid orders:read orders:write")["refresh_token"]
    assert own.refresh(token, scope="openid email").json()["error"] == "invalid_scope"
    narrow = own.refresh(token, scope="orders:read").json()
    assert narrow["scope"] == "orders:read"
    assert "id_token" not in narrow
    assert own.refresh(narrow["refresh_token"]).json()["scope"] == "openid orders:read orders:write"


def test_C7_idle_and_absolute_ends(own: Browser) -> None:
    idle = own.tokens()["refresh_token"]
    own.server.clock.advance(30 * DAY + 1)
    assert own.refresh(idle).json()["error"] == "invalid_grant"
    token = own.tokens(prompt="login")["refresh_token"]
    for _ in range(4):
        own.server.clock.advance(20 * DAY)
        renewed = own.refresh(token)
        assert renewed.status_code == 200
        token = renewed.json()["refresh_token"]
    own.server.clock.advance(11 * DAY)
    assert own.refresh(token).json()["error"] == "invalid_grant"


def test_C8_a_new_password_and_being_disabled_end_everything(own: Browser) -> None:
    service, clock = own.server.service, own.server.clock
    tokens = own.tokens(who=BOB)
    person_id = claims_of(tokens["access_token"])["sub"]
    clock.advance(5)
    own.server.do(service.database.write(service.people.disabling(person_id, clock())))
    own.server.do(service.sessions.end_person(person_id, clock(), reason="disabled"))
    assert own.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert own.userinfo(tokens["access_token"]).status_code == 401


def test_C9_a_resource_that_was_not_granted_cannot_be_added(own: Browser) -> None:
    token = own.tokens(resource="orders")["refresh_token"]
    assert own.refresh(token, resource="billing").json()["error"] == "invalid_target"
    assert own.refresh(token).status_code == 200


def test_the_id_token_of_a_refresh_keeps_sub_and_auth_time(own: Browser) -> None:
    tokens = own.tokens()
    before = claims_of(tokens["id_token"])
    own.server.clock.advance(100)
    after = claims_of(own.refresh(tokens["refresh_token"]).json()["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "sid"):
        assert after[name] == before[name]
    assert after["iat"] > before["iat"]


def test_P11_an_expired_access_token_is_refused_until_it_is_renewed(own: Browser) -> None:
    tokens = own.tokens()
    own.server.clock.advance(631)
    assert own.userinfo(tokens["access_token"]).status_code == 401
    assert own.userinfo(own.refresh(tokens["refresh_token"]).json()["access_token"]).status_code == 200


@pytest.mark.parametrize("token", ["x", "...", "mmr_x.1.y", "a" * 5000, "é.1.x", "a.-1.b", "a.1e9.b"])
def test_nonsense_is_invalid_grant(browser: Browser, token: str) -> None:
    response = browser.refresh(token)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"


def test_the_person_is_told_of_misuse_at_the_next_sign_in(own: Browser) -> None:
    tokens = own.tokens()
    renewed = own.refresh(tokens["refresh_token"]).json()
    own.refresh(renewed["refresh_token"])
    own.server.clock.advance(31)
    own.refresh(tokens["refresh_token"])
    assert own.authorize(prompt="none").status_code == 303  # what is silent stays silent
    page = own.sign_in(own.authorize(prompt="login"))
    assert page.status_code == 200
    assert "ended a connection" in page.text
    assert "Shop &lt;b&gt;" in page.text
    assert own.submit(page).status_code == 303
    assert own.sign_in(own.authorize(prompt="login")).status_code == 303  # told once


def test_home_tells_of_a_code_that_was_used_twice(own: Browser) -> None:
    code = own.code()
    own.redeem(code)
    own.redeem(code)
    assert own.sign_in(own.authorize(prompt="login")).status_code == 303
    assert "used twice" in own.http.get("/").text
    assert "used twice" not in own.http.get("/").text
