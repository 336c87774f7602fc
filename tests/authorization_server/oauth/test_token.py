"""The token endpoint, line by line of sections B and D of the checklist."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mintmark.jose.encoding import b64url_decode, json_object

from ..running import (
    BOB,
    CALLBACK,
    EXCHANGE,
    LEDGER_SECRET,
    ORDERS_SECRET,
    Browser,
    basic,
    claims_of,
    proof_key,
)

WEB_SECRET = "web-secret-0123456789abcdef"


def post(browser: Browser, headers: dict[str, str] | None = None, **data: str) -> httpx.Response:
    return browser.http.post("/token", data=data, headers=headers)


def client_credentials(browser: Browser, **data: str) -> httpx.Response:
    return post(browser, basic("ledger-job", LEDGER_SECRET), **{"grant_type": "client_credentials", **data})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_B1_only_post(browser: Browser, method: str) -> None:
    response = browser.http.request(method, "/token?grant_type=client_credentials")
    assert response.status_code == 405
    assert "access_token" not in response.text


def test_B2_unknown_parameters_are_ignored(browser: Browser) -> None:
    assert client_credentials(browser, strange="thing", scope="").status_code == 200


@pytest.mark.parametrize("name", ["grant_type", "code", "client_id", "code_verifier", "redirect_uri"])
def test_B2_a_repeated_parameter_is_refused(browser: Browser, name: str) -> None:
    code = browser.code()
    data = {
        "grant_type": ["authorization_code"],
        "code": [code],
        "client_id": ["app"],
        "code_verifier": [browser.verifier],
        "redirect_uri": [CALLBACK],
    }
    data[name] = data[name] * 2
    response = browser.http.post("/token", data=data)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert browser.redeem(code).status_code == 200  # and the code is still good


def test_B3_B4_O4_a_code_works_once_and_its_second_use_ends_what_it_gave(browser: Browser) -> None:
    code = browser.code()
    first = browser.redeem(code).json()
    second = browser.redeem(code)
    assert second.status_code == 400
    assert second.json()["error"] == "invalid_grant"
    assert browser.userinfo(first["access_token"]).status_code == 401
    assert browser.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def test_B5_a_replay_with_a_wrong_verifier_ends_nothing(browser: Browser) -> None:
    code = browser.code()
    first = browser.redeem(code).json()
    assert browser.redeem(code, code_verifier=proof_key()[0]).json()["error"] == "invalid_grant"
    assert browser.userinfo(first["access_token"]).status_code == 200


def test_B6_of_two_simultaneous_uses_one_succeeds(browser: Browser) -> None:
    code = browser.code()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: browser.redeem(code), range(8)))
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7


def test_B7_a_code_expires(own: Browser) -> None:
    code = own.code()
    own.server.clock.advance(61)
    assert own.redeem(code).json()["error"] == "invalid_grant"


def test_B8_O4_a_code_of_another_client_is_refused_and_stays_good(browser: Browser) -> None:
    code = browser.code()
    assert browser.redeem(code, "other-app").json()["error"] == "invalid_grant"
    assert browser.redeem(code).status_code == 200


@pytest.mark.parametrize("verifier", [None, "", "short", "x" * 43, "x" * 129, "ä" * 50])
def test_B9_B10_O2_without_the_right_verifier_there_is_nothing(
    browser: Browser, verifier: str | None
) -> None:
    response = browser.redeem(browser.code(), code_verifier=verifier)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"


def test_B12_redirect_uri_may_be_sent_and_must_then_be_the_same(browser: Browser) -> None:
    assert browser.redeem(browser.code(), redirect_uri=None).status_code == 200
    assert browser.redeem(browser.code(), redirect_uri=CALLBACK).status_code == 200
    refused = browser.redeem(browser.code(), redirect_uri=f"{CALLBACK}/")
    assert refused.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "headers",
    [
        basic("orders", "wrong"),
        basic("orders", ""),
        basic("nobody", ORDERS_SECRET),
        basic("", ORDERS_SECRET),
        basic("app", "anything"),  # registered without a secret
        basic("web", WEB_SECRET),  # registered for client_secret_post
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"orders").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"orders:\xff\xfe").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"orders:%ff").decode()},
        {"Authorization": "Bearer abc"},
        {"Authorization": ""},
        {},
    ],
)
def test_B13_O7_failed_client_authentication_is_401_with_a_challenge(
    browser: Browser, headers: dict[str, str]
) -> None:
    response = post(browser, headers, grant_type="client_credentials")
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.headers["www-authenticate"].startswith("Basic ")


def test_B14_basic_credentials_are_form_decoded(browser: Browser) -> None:
    assert "%" in ORDERS_SECRET
    assert "+" in ORDERS_SECRET
    assert ":" in ORDERS_SECRET
    response = post(browser, basic("orders", ORDERS_SECRET), grant_type="client_credentials")
    assert response.status_code == 200


def test_B15_two_ways_of_authentication_are_refused(browser: Browser) -> None:
    response = post(
        browser,
        basic("orders", ORDERS_SECRET),
        grant_type="client_credentials",
        client_id="orders",
        client_secret=ORDERS_SECRET,
    )
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    other = post(
        browser, basic("orders", ORDERS_SECRET), grant_type="client_credentials", client_id="billing"
    )
    assert other.json()["error"] == "invalid_request"


def test_B15_naming_the_same_client_twice_is_fine(browser: Browser) -> None:
    response = post(
        browser, basic("orders", ORDERS_SECRET), grant_type="client_credentials", client_id="orders"
    )
    assert response.status_code == 200


def test_B16_O7_each_client_has_its_one_registered_way(browser: Browser) -> None:
    assert browser.redeem(browser.code("app"), "app", client_secret="x").json()["error"] == "invalid_client"
    code = browser.code("web")
    assert browser.redeem(code, "web").json()["error"] == "invalid_client"  # no secret at all
    assert browser.redeem(code, "web", client_secret="").json()["error"] == "invalid_client"
    assert browser.redeem(code, "web", client_secret="wrong").json()["error"] == "invalid_client"
    assertion = browser.redeem(code, "web", client_assertion="a.b.c", client_assertion_type="x")
    assert assertion.json()["error"] == "invalid_client"
    assert browser.redeem(code, "web", client_secret=WEB_SECRET).status_code == 200


def test_B16_credentials_in_the_query_do_not_count(browser: Browser) -> None:
    response = browser.http.post(
        f"/token?client_id=web&client_secret={WEB_SECRET}", data={"grant_type": "client_credentials"}
    )
    assert response.status_code == 401


def test_B19_O18_no_answer_is_cached(browser: Browser) -> None:
    good = client_credentials(browser)
    bad = post(browser, grant_type="nonsense")
    identity = browser.userinfo(browser.tokens()["access_token"])
    for response in (good, bad, identity):
        assert response.headers["cache-control"] == "no-store"


def test_B20_scope_is_always_said(browser: Browser) -> None:
    assert browser.tokens(scope="openid orders:read unknown")["scope"] == "openid orders:read"
    assert client_credentials(browser).json()["scope"] == "ledger:append"


def test_B21_client_credentials_are_not_for_public_clients(browser: Browser) -> None:
    response = post(browser, grant_type="client_credentials", client_id="app")
    assert response.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("grant_type", ["password", "implicit", "AUTHORIZATION_CODE", "urn:x"])
def test_B22_other_grants_do_not_exist(browser: Browser, grant_type: str) -> None:
    response = post(browser, grant_type=grant_type, client_id="app", username="alice", password="x")
    assert response.json()["error"] == "unsupported_grant_type"


def test_a_grant_that_the_client_is_not_registered_for_is_refused(browser: Browser) -> None:
    response = post(browser, basic("ledger-job", LEDGER_SECRET), grant_type=EXCHANGE)
    assert response.json()["error"] == "unauthorized_client"


def test_B23_client_credentials_give_no_refresh_token_and_name_the_client(browser: Browser) -> None:
    body = client_credentials(browser).json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(body["access_token"])
    assert claims["sub"] == claims["client_id"] == "ledger-job"
    assert claims["aud"] == "ledger"
    assert "sid" not in claims
    assert "grant_id" not in claims


def test_client_credentials_never_speak_for_a_person(browser: Browser) -> None:
    assert client_credentials(browser, scope="openid").json()["error"] == "invalid_scope"
    assert client_credentials(browser, scope="orders:read").json()["error"] == "invalid_scope"
    assert client_credentials(browser, resource="orders").json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials", "text/plain"),
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded"),
        (b"grant_type=\xff\xfe", "application/x-www-form-urlencoded"),
        (b"grant_type=x%00y", "application/x-www-form-urlencoded"),
        (b"&&&=;=&a", "application/x-www-form-urlencoded"),
        (b"a=1&" * 500, "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded"),
        (b"grant_type=authorization_code&client_id=app", "application/x-www-form-urlencoded"),
        (b"client_id=app&grant_type=refresh_token&refresh_token=.", "application/x-www-form-urlencoded"),
        (
            b"client_id=app&grant_type=authorization_code&code=%F0%9F%AA%99&code_verifier=" + b"x" * 43,
            "application/x-www-form-urlencoded",
        ),
    ],
)
def test_B24_bad_input_is_json_and_never_500(browser: Browser, content: bytes, content_type: str) -> None:
    response = browser.http.post("/token", content=content, headers={"content-type": content_type})
    assert response.status_code in (400, 401)
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error", "error_description"}


def test_B25_O15_wrong_secrets_are_slowed_down_and_the_right_one_works_later(own: Browser) -> None:
    statuses = [
        post(own, basic("ledger-job", f"wrong-{n}"), grant_type="client_credentials") for n in range(8)
    ]
    assert statuses[0].status_code == 401
    assert statuses[-1].status_code == 429
    assert int(statuses[-1].headers["retry-after"]) >= 1
    assert client_credentials(own).status_code == 429  # even the right one waits
    assert post(own, basic("orders", ORDERS_SECRET), grant_type="client_credentials").status_code == 200
    own.server.clock.advance(61)
    assert client_credentials(own).status_code == 200


def test_D1_access_tokens_are_at_jwt_with_every_required_claim(browser: Browser) -> None:
    tokens = browser.tokens()
    header = json_object(b64url_decode(tokens["access_token"].split(".")[0]))
    claims = claims_of(tokens["access_token"])
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time"} <= claims.keys()
    assert claims["iss"] == browser.server.url
    assert 565 <= claims["exp"] - claims["iat"] <= 600
    assert tokens["expires_in"] <= claims["exp"] - claims["iat"]


def test_D3_a_persons_sub_cannot_be_a_client_id(browser: Browser) -> None:
    assert (
        claims_of(browser.tokens(who=BOB)["access_token"])["sub"]
        not in browser.server.service.catalogue.clients
    )


def test_every_access_token_has_a_name_of_its_own(browser: Browser) -> None:
    """Also where the random bits for many of them were fetched at once."""
    names = {claims_of(client_credentials(browser).json()["access_token"])["jti"] for _ in range(130)}
    assert len(names) == 130
    assert {len(name) for name in names} == {22}
