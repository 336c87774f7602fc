"""OpenID Connect, line by line of section F of the checklist."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from mintmark.jose.encoding import b64url_decode, b64url_encode, json_encode, json_object
from mintmark.jose.jwk import Key
from mintmark.jose.jwks import KeySet
from mintmark.jwt import ID_TOKEN, Issuer, SignIn, Verifier

from ..running import BOB, ORIGIN, START, Browser, answer_of, claims_of


def header_of(token: str) -> dict[str, Any]:
    return json_object(b64url_decode(token.split(".")[0]))


@pytest.mark.parametrize(("client_id", "alg"), [("app", "RS256"), ("web", "ES256")])
def test_F1_the_id_token_verifies_with_the_published_keys(browser: Browser, client_id: str, alg: str) -> None:
    secret = {"client_secret": "web-secret-0123456789abcdef"} if client_id == "web" else {}
    tokens = browser.redeem(browser.code(client_id), client_id, **secret).json()
    keys = KeySet.from_jwks(browser.http.get("/jwks").json())
    verifier = Verifier(
        issuer=browser.server.url,
        audience=client_id,
        keys=keys,
        profile=ID_TOKEN,
        clock=browser.server.clock,
    )
    claims = verifier.verify(
        tokens["id_token"], expected=SignIn(nonce="n0nce", access_token=tokens["access_token"])
    )
    assert header_of(tokens["id_token"])["alg"] == alg
    assert header_of(tokens["id_token"])["kid"]
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
    assert claims["auth_time"] == START


def test_F2_prompt_none(own: Browser) -> None:
    assert answer_of(own.authorize(prompt="none"))["error"] == "login_required"
    first = claims_of(own.tokens()["id_token"])
    silent = claims_of(own.tokens(prompt="none")["id_token"])
    assert silent["sub"] == first["sub"]
    assert silent["auth_time"] == first["auth_time"]
    assert silent["sid"] == first["sid"]


@pytest.mark.parametrize("change", [{"prompt": "login"}, {"max_age": "1"}, {"max_age": "0"}])
def test_F3_O21_a_new_sign_in_can_be_asked_for(own: Browser, change: dict[str, str]) -> None:
    before = claims_of(own.tokens()["id_token"])
    own.server.clock.advance(5)
    page = own.authorize(**change)
    assert page.status_code == 200
    answer = answer_of(own.sign_in(page))
    after = claims_of(own.redeem(answer["code"]).json()["id_token"])
    assert after["auth_time"] == before["auth_time"] + 5
    assert after["sub"] == before["sub"]


def test_F3_a_recent_sign_in_is_enough(own: Browser) -> None:
    before = claims_of(own.tokens()["id_token"])
    own.server.clock.advance(60)
    after = claims_of(own.tokens(max_age="10000")["id_token"])
    assert after["auth_time"] == before["auth_time"]


def test_F3_prompt_none_with_too_old_a_sign_in_is_login_required(own: Browser) -> None:
    own.tokens()
    own.server.clock.advance(60)
    assert answer_of(own.authorize(prompt="none", max_age="10"))["error"] == "login_required"


def test_F4_an_old_hint_gives_the_same_person_or_login_required(own: Browser) -> None:
    hint = own.tokens()["id_token"]
    own.server.clock.advance(3600)
    assert answer_of(own.authorize(prompt="none", id_token_hint=hint))["code"]
    with Browser(own.server) as other:
        other.code(who=BOB)
        assert answer_of(other.authorize(prompt="none", id_token_hint=hint))["error"] == "login_required"
        page = other.authorize(id_token_hint=hint)
        assert page.status_code == 200  # asks for the right person
        assert answer_of(other.sign_in(page, BOB))["error"] == "login_required"


@pytest.mark.parametrize(
    "change",
    [
        {"display": "popup"},
        {"ui_locales": "xx yy"},
        {"claims_locales": "de"},
        {"acr_values": "1 2"},
        {"login_hint": "nobody@example.com"},
        {"claims": "{}"},
    ],
)
def test_F5_what_we_do_not_use_does_no_harm(browser: Browser, change: dict[str, str]) -> None:
    assert browser.code(**change)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_F6_userinfo(browser: Browser, method: str) -> None:
    tokens = browser.tokens()
    headers = {"Authorization": f"bearer {tokens['access_token']}"}
    body = browser.http.request(method, "/userinfo", headers=headers).json()
    assert body["sub"] == claims_of(tokens["id_token"])["sub"]


@pytest.mark.parametrize(
    ("headers", "status", "has_error"),
    [
        ([], 401, False),
        ([("Authorization", "Basic eDp5")], 401, False),
        ([("Authorization", "Bearer")], 401, True),
        ([("Authorization", "Bearer a.b.c")], 401, True),
        ([("Authorization", "Bearer " + "x" * 50_000)], 401, True),
        ([("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer a.b.c")], 400, True),
    ],
)
def test_F6_D5_D9_a_bad_token_gets_an_exact_challenge(
    browser: Browser, headers: list[tuple[str, str]], status: int, has_error: bool
) -> None:
    response = browser.http.get("/userinfo", headers=headers)
    assert response.status_code == status
    assert response.headers["www-authenticate"].startswith('Bearer realm="')
    assert ("error=" in response.headers["www-authenticate"]) is has_error


def test_F6_D7_a_token_in_the_query_does_not_count(browser: Browser) -> None:
    token = browser.tokens()["access_token"]
    assert browser.http.get(f"/userinfo?access_token={token}").status_code == 401
    assert browser.http.post("/userinfo", data={"access_token": token}).status_code == 401


def test_F6_an_id_token_is_no_access_token(browser: Browser) -> None:
    assert browser.userinfo(browser.tokens()["id_token"]).status_code == 401


def test_F6_D6_without_openid_it_is_insufficient_scope(browser: Browser) -> None:
    response = browser.userinfo(browser.tokens(scope="orders:read")["access_token"])
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert 'scope="openid"' in response.headers["www-authenticate"]


def test_F7_each_scope_opens_its_claims(browser: Browser) -> None:
    only = browser.userinfo(browser.tokens(scope="openid")["access_token"]).json()
    assert set(only) == {"sub"}
    email = browser.userinfo(browser.tokens(scope="openid email")["access_token"]).json()
    assert set(email) == {"sub", "email", "email_verified"}
    assert email["email_verified"] is True
    profile = browser.userinfo(browser.tokens(scope="openid profile")["access_token"]).json()
    assert profile["name"] == "Alice <Archer>"
    assert profile["preferred_username"] == "alice"
    assert "email" not in profile


def test_F8_request_objects_are_refused_by_their_own_names(browser: Browser) -> None:
    browser.code()
    assert answer_of(browser.authorize(request="a.b."))["error"] == "request_not_supported"
    answer = answer_of(browser.authorize(request_uri="https://app.example/r"))
    assert answer["error"] == "request_uri_not_supported"


def test_F9_sign_out_with_a_hint_returns_to_the_application_at_once(own: Browser) -> None:
    tokens = own.tokens()
    parameters = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": f"{ORIGIN}/",
        "state": "s &1",
    }
    response = own.http.get("/end-session", params=parameters)
    assert response.status_code == 303
    assert response.headers["location"] == f"{ORIGIN}/?state=s%20%261"
    assert answer_of(own.authorize(prompt="none"))["error"] == "login_required"
    assert own.userinfo(tokens["access_token"]).status_code == 401
    assert own.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_F9_sign_out_without_proof_asks_first(own: Browser) -> None:
    own.tokens()
    page = own.http.get("/end-session", params={"client_id": "app", "post_logout_redirect_uri": f"{ORIGIN}/"})
    assert page.status_code == 200
    assert "Sign out?" in page.text
    assert answer_of(own.authorize(prompt="none"))["code"]  # nothing has happened yet
    assert own.submit(page).headers["location"] == f"{ORIGIN}/"
    assert answer_of(own.authorize(prompt="none"))["error"] == "login_required"


def forged(own: Browser, **header: str) -> str:
    claims = claims_of(own.tokens()["id_token"])
    key = Key.generate("ES256")
    wanted = {
        name: value
        for name, value in claims.items()
        if name not in ("iss", "sub", "aud", "iat", "exp", "jti")
    }
    return Issuer(own.server.url, key, clock=own.server.clock).issue(
        subject=claims["sub"], audience="app", lifetime=600, claims=wanted, header=header or None
    )


def test_F9_a_forged_hint_signs_nobody_out_and_redirects_nowhere(own: Browser) -> None:
    good = own.tokens()["id_token"]
    head, payload, signature = good.split(".")
    unsigned = b64url_encode(json_encode({"alg": "none", "typ": "JWT"}))
    tampered = f"{head}.{payload}.{signature[:-6]}AAAAAA"
    for hint in (f"{unsigned}.{payload}.", tampered, own.tokens()["access_token"], "x", "a.b.c"):
        parameters = {"id_token_hint": hint, "post_logout_redirect_uri": f"{ORIGIN}/"}
        page = own.http.get("/end-session", params=parameters)
        assert page.status_code == 400, hint[:20]
        assert "location" not in page.headers
    assert answer_of(own.authorize(prompt="none"))["code"]


def test_F9_a_hint_of_a_foreign_key_proves_nothing(own: Browser) -> None:
    parameters = {"id_token_hint": forged(own), "post_logout_redirect_uri": f"{ORIGIN}/"}
    page = own.http.get("/end-session", params=parameters)
    assert "location" not in page.headers
    assert answer_of(own.authorize(prompt="none"))["code"]


@pytest.mark.parametrize("uri", ["https://evil.example/", f"{ORIGIN}/x", f"{ORIGIN}", "//evil.example", "x"])
def test_F9_only_registered_addresses_are_returned_to(own: Browser, uri: str) -> None:
    hint = own.tokens()["id_token"]
    for parameters in ({"id_token_hint": hint}, {"client_id": "app"}, {}):
        page = own.http.get("/end-session", params={**parameters, "post_logout_redirect_uri": uri})
        assert page.status_code == 400
        assert "location" not in page.headers


def test_F9_a_hint_of_one_client_does_not_open_the_addresses_of_another(own: Browser) -> None:
    hint = own.tokens()["id_token"]
    page = own.http.get("/end-session", params={"id_token_hint": hint, "client_id": "partner"})
    assert page.status_code == 400


def test_F9_another_sessions_hint_asks_first(own: Browser) -> None:
    hint = own.tokens()["id_token"]
    with Browser(own.server) as other:
        other.tokens()
        assert "Sign out?" in other.http.get("/end-session", params={"id_token_hint": hint}).text
        assert answer_of(other.authorize(prompt="none"))["code"]


def test_F9_signing_out_twice_is_no_error(own: Browser) -> None:
    hint = own.tokens()["id_token"]
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": f"{ORIGIN}/"}
    for _ in range(2):
        assert own.http.get("/end-session", params=parameters).headers["location"] == f"{ORIGIN}/"
    assert "signed out" in own.http.post("/end-session").text


@pytest.mark.parametrize("nonce", [None, "x", "n" * 64, "a&b=c +%/äö"])
def test_F11_the_nonce_is_optional_and_exact(browser: Browser, nonce: str | None) -> None:
    claims = claims_of(browser.tokens(nonce=nonce)["id_token"])
    assert claims.get("nonce") == nonce


def test_F12_a_token_for_another_audience_opens_userinfo(browser: Browser) -> None:
    tokens = browser.tokens(resource="billing", scope="openid billing:read")
    assert claims_of(tokens["access_token"])["aud"] == "billing"
    assert browser.userinfo(tokens["access_token"]).status_code == 200


def test_another_person_at_the_same_browser_ends_the_first_session(own: Browser) -> None:
    alice = own.tokens()
    bob = own.redeem(answer_of(own.sign_in(own.authorize(prompt="login"), BOB))["code"]).json()
    assert claims_of(bob["id_token"])["sub"] != claims_of(alice["id_token"])["sub"]
    assert claims_of(bob["id_token"])["sid"] != claims_of(alice["id_token"])["sid"]
    assert own.userinfo(alice["access_token"]).status_code == 401
