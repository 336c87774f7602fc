"""The authorization endpoint, line by line of section A of the checklist."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from ..running import ALICE, CALLBACK, ORIGIN, Browser, answer_of, claims_of, form_of

ERROR_TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")


@pytest.fixture
def signed_in(browser: Browser) -> Browser:
    """A browser in which Alice has signed in."""
    browser.code()
    return browser


def test_A1_post_works_like_get(browser: Browser) -> None:
    page = browser.http.post("/authorize", data=browser.request())
    assert answer_of(browser.sign_in(page))["code"]


def test_A2_unknown_parameters_are_ignored(browser: Browser) -> None:
    assert browser.code(strange="thing", ui_locales="de")


@pytest.mark.parametrize(
    "name", ["prompt", "max_age", "id_token_hint", "resource", "request", "response_mode"]
)
def test_A3_an_empty_parameter_counts_as_absent(signed_in: Browser, name: str) -> None:
    assert answer_of(signed_in.authorize(**{name: ""}))["code"]


def test_A3_an_empty_required_parameter_is_missing(signed_in: Browser) -> None:
    assert answer_of(signed_in.authorize(code_challenge=""))["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "code_challenge"])
def test_A4_a_repeated_parameter_is_refused(browser: Browser, name: str) -> None:
    query = urlencode([*browser.request().items(), (name, "again")])
    page = browser.http.get(f"/authorize?{query}")
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "invalid_request" in page.text


@pytest.mark.parametrize(
    "uri",
    [
        f"{CALLBACK}/",
        f"{CALLBACK}/more",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}?",
        f"{CALLBACK}#",
        f"{CALLBACK}#fragment",
        "http://127.0.0.1:9/Callback",
        "http://127.0.0.1:9/callback/../callback",
        "http://127.0.0.1:9/./callback",
        "http://127.0.0.1:9//callback",
        "http://127.0.0.1:9/callback%2f",
        "http://127.0.0.1:9/c%61llback",
        "http://127.0.0.1:9@evil.example/callback",
        "http://user@127.0.0.1:9/callback",
        "http://127.0.0.1:99/callback",
        "http://127.0.0.1/callback",
        "https://127.0.0.1:9/callback",
        "HTTP://127.0.0.1:9/callback",
        "http://localhost:9/callback",
        "http://127.0.0.1.evil.example:9/callback",
        "http://127.0.0.1:9.evil.example/callback",
        "http://127.1:9/callback",
        "http://[::1]:9/callback",
        "http://127.0.0.1:9\\callback",
        "http://127.0.0.1:9/callback ",
        " http://127.0.0.1:9/callback",
        "http://127.0.0.1:9/callback\t",
        "//127.0.0.1:9/callback",
        "/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.app:/done",
    ],
)
def test_A5_A6_O5_only_the_registered_redirect_uri_character_by_character(browser: Browser, uri: str) -> None:
    page = browser.authorize(redirect_uri=uri)
    assert page.status_code == 400
    assert "location" not in page.headers


def test_A7_a_registered_query_is_kept(browser: Browser) -> None:
    uri = f"{CALLBACK}?tenant=1&x=%20y"
    response = browser.sign_in(browser.authorize("two-callbacks", redirect_uri=uri))
    assert response.headers["location"].startswith(f"{uri}&code=")


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1/done", "http://127.0.0.1:51004/done", "http://[::1]:8/done", "com.example.app:/done"],
)
def test_A8_a_native_application_listens_on_any_loopback_port(browser: Browser, uri: str) -> None:
    response = browser.authorize("native", redirect_uri=uri)
    if response.status_code == 200:
        response = browser.sign_in(response)
    assert response.headers["location"].startswith(f"{uri}?code=")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/done/",
        "http://127.0.0.1:51004/other",
        "http://localhost:51004/done",
        "http://127.0.0.1:99999/done",
        "http://127.0.0.1:/done",
        "http://127.0.0.1:80:80/done",
        "http://127.0.0.1:1@evil.example/done",
        "http://127.0.0.12/done",
        "com.example.app:/done/",
        "com.example.app:8080/done",
    ],
)
def test_A8_O5_but_nothing_else_may_differ(browser: Browser, uri: str) -> None:
    page = browser.authorize("native", redirect_uri=uri)
    assert page.status_code == 400
    assert "location" not in page.headers


def test_A9_with_two_redirect_uris_one_must_be_named(browser: Browser) -> None:
    page = browser.authorize("two-callbacks", redirect_uri=None)
    assert page.status_code == 400
    assert "location" not in page.headers


def test_A9_with_one_it_may_be_left_out(browser: Browser) -> None:
    response = browser.sign_in(browser.authorize(redirect_uri=None))
    assert response.headers["location"].startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize("client_id", [None, "", "nobody", "app ", "APP", "app%00"])
def test_A10_O6_unknown_client_is_a_page_and_no_redirect(browser: Browser, client_id: str | None) -> None:
    page = browser.authorize(client_id=client_id)
    assert page.status_code == 400
    assert "location" not in page.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "nonsense"}, "unsupported_response_type"),
        ({"response_type": "code code"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "ledger:append"}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"resource": "ledger"}, "invalid_target"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "sing"}, "invalid_request"),
        ({"nonce": "n" * 600}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
    ],
)
def test_A13_A34_errors_come_back_with_state_and_iss(
    signed_in: Browser, change: dict[str, str | None], error: str
) -> None:
    answer = answer_of(signed_in.authorize(**change))
    assert answer["error"] == error
    assert answer["state"] == "st4te"
    assert answer["iss"] == signed_in.server.url
    assert ERROR_TEXT.fullmatch(answer["error_description"])
    assert "code" not in answer


@pytest.mark.parametrize(
    "response_type", ["token", "id_token", "code id_token", "code token", "id_token token", "none"]
)
def test_A14_no_tokens_in_the_front_channel(signed_in: Browser, response_type: str) -> None:
    answer = answer_of(signed_in.authorize(response_type=response_type))
    assert answer["error"] == "unsupported_response_type"


@pytest.mark.parametrize("client_id", ["app", "web"])
def test_A15_A16_O2_pkce_is_asked_of_everyone(signed_in: Browser, client_id: str) -> None:
    answer = answer_of(signed_in.authorize(client_id, code_challenge=None, code_challenge_method=None))
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("method", ["plain", "s256", "S512", "none", None])
def test_A17_A18_O2_only_s256(signed_in: Browser, method: str | None) -> None:
    assert answer_of(signed_in.authorize(code_challenge_method=method))["error"] == "invalid_request"


@pytest.mark.parametrize("challenge", ["short", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "+", "ä" * 43])
def test_A19_a_malformed_challenge_is_refused_early(signed_in: Browser, challenge: str) -> None:
    assert answer_of(signed_in.authorize(code_challenge=challenge))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "state",
    ["a&b=c", "a+b c", "100%", "%26", "äöü 漢字 🪙", "x" * 3000, "<script>alert(1)</script>", "'\"\\", "\n"],
)
def test_A20_state_comes_back_exactly(signed_in: Browser, state: str) -> None:
    assert answer_of(signed_in.authorize(state=state))["state"] == state
    assert answer_of(signed_in.authorize(state=state, prompt="none", scope="x y"))["state"] == state


def test_A20_state_survives_the_sign_in_page(browser: Browser) -> None:
    state = "a&b=c+d %26 äöü 🪙" + "x" * 1500
    assert answer_of(browser.sign_in(browser.authorize(state=state)))["state"] == state


def test_A21_no_state_none_back(signed_in: Browser) -> None:
    assert "state" not in answer_of(signed_in.authorize(state=None))


def test_A22_iss_in_every_answer(signed_in: Browser) -> None:
    assert answer_of(signed_in.authorize())["iss"] == signed_in.server.url
    assert answer_of(signed_in.authorize(response_type="token"))["iss"] == signed_in.server.url


@pytest.mark.parametrize("change", [{"response_type": "token"}, {"scope": "none"}, {"code_challenge": None}])
def test_A23_nobody_is_redirected_by_a_broken_request_before_signing_in(
    browser: Browser, change: dict[str, str | None]
) -> None:
    page = browser.authorize(**change)
    assert page.status_code == 200
    assert "location" not in page.headers
    assert answer_of(browser.sign_in(page))["error"]


def test_A24_no_cors_at_authorize(browser: Browser) -> None:
    for method in ("GET", "OPTIONS"):
        response = browser.http.request(method, "/authorize", headers={"Origin": ORIGIN})
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_A25_the_form_is_answered_with_303(browser: Browser) -> None:
    assert browser.sign_in(browser.authorize()).status_code == 303


def test_A29_deny_comes_back_as_access_denied(browser: Browser) -> None:
    page = browser.sign_in(browser.authorize("partner"))
    answer = answer_of(browser.submit(page, decision="deny"))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "st4te"
    assert answer["iss"] == browser.server.url


def test_A28_consent_says_who_asks_and_for_what(browser: Browser) -> None:
    page = browser.sign_in(browser.authorize("partner"))
    assert "Allow Partner?" in page.text
    assert "See your orders" in page.text
    assert "registered here by the operator" in page.text
    assert answer_of(browser.submit(page, decision="allow"))["code"]


def test_A33_an_application_of_others_is_asked_about_every_time(browser: Browser) -> None:
    browser.code("partner")
    assert "Allow Partner?" in browser.authorize("partner").text
    assert answer_of(browser.authorize("partner", prompt="none"))["error"] == "consent_required"


def test_A33_an_application_at_its_own_https_address_is_asked_about_once(own: Browser) -> None:
    uri = "https://partner.example/callback"
    page = own.sign_in(own.authorize("partner-web", redirect_uri=uri, scope="openid orders:read"))
    code = answer_of(own.submit(page, decision="allow"))["code"]
    tokens = own.redeem(code, "partner-web", redirect_uri=uri).json()
    again = own.authorize("partner-web", redirect_uri=uri, scope="openid", prompt="none")
    assert answer_of(again)["code"]
    wider = own.authorize("partner-web", redirect_uri=uri, scope="openid email")
    assert "Allow Partner on the web?" in wider.text
    own.http.post("/revoke", data={"client_id": "partner-web", "token": tokens["refresh_token"]})
    ended = own.authorize("partner-web", redirect_uri=uri, scope="openid", prompt="none")
    assert answer_of(ended)["error"] == "consent_required"


def test_prompt_consent_asks_for_our_own_application_too(signed_in: Browser) -> None:
    page = signed_in.authorize(prompt="consent")
    assert answer_of(signed_in.submit(page, decision="allow"))["code"]


def test_a_consent_that_was_answered_without_a_choice_is_a_no(browser: Browser) -> None:
    page = browser.sign_in(browser.authorize("partner"))
    assert answer_of(browser.submit(page))["error"] == "access_denied"


def test_A31_the_order_of_scopes_does_not_matter(browser: Browser) -> None:
    browser.code(scope="orders:read profile openid email")
    tokens = browser.tokens(scope="orders:read openid")
    assert set(tokens["scope"].split()) == {"orders:read", "openid"}
    assert "id_token" in tokens


def test_A32_no_scope_means_all_that_the_client_is_registered_for(browser: Browser) -> None:
    tokens = browser.tokens("other-app", scope=None)
    assert tokens["scope"] == "openid orders:read"


def test_A32_scopes_that_nobody_knows_are_ignored(browser: Browser) -> None:
    assert browser.tokens(scope="openid address groups orders:read")["scope"] == "openid orders:read"


def test_resource_chooses_the_audience_and_the_scopes_that_mean_something_there(browser: Browser) -> None:
    tokens = browser.tokens(resource="billing", scope="openid orders:read billing:read")
    assert claims_of(tokens["access_token"])["aud"] == "billing"
    assert tokens["scope"] == "openid billing:read"


def test_one_grant_serves_several_resources_one_token_each(browser: Browser) -> None:
    tokens = browser.tokens(scope="openid orders:read billing:read")
    assert claims_of(tokens["access_token"])["aud"] == "orders"
    for_billing = browser.refresh(tokens["refresh_token"], resource="billing").json()
    assert claims_of(for_billing["access_token"])["aud"] == "billing"
    assert for_billing["scope"] == "openid billing:read"
    both = browser.http.post(
        "/token",
        content=urlencode(
            [
                ("grant_type", "refresh_token"),
                ("client_id", "app"),
                ("refresh_token", for_billing["refresh_token"]),
                ("resource", "orders"),
                ("resource", "billing"),
            ]
        ),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert both.json()["error"] == "invalid_target"


def test_login_hint_fills_in_the_username(browser: Browser) -> None:
    _, fields = form_of(browser.authorize(login_hint=ALICE[0]))
    assert fields["username"] == ALICE[0]


def test_the_answer_is_never_cached(signed_in: Browser) -> None:
    assert signed_in.authorize().headers["cache-control"] == "no-store"


def test_a_code_is_bound_to_what_was_asked(signed_in: Browser) -> None:
    response = signed_in.authorize()
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert set(query) == {"code", "state", "iss"}
