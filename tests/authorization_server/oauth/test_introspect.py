"""Introspection (RFC 7662): E7 of the checklist. Who may ask, what is told, and what looks all the same."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from mintmark.jose import jws
from mintmark.jose.jwk import Key
from mintmark.jwt import ACCESS_TOKEN, Issuer

from ..running import LEDGER_SECRET, ORDERS_SECRET, Browser, basic, claims_of
from .test_exchange import exchange

WEB_SECRET = "web-secret-0123456789abcdef"
ORDERS = basic("orders", ORDERS_SECRET)
BILLING = basic("billing", ORDERS_SECRET)
WEB = {"client_id": "web", "client_secret": WEB_SECRET}


def introspect(browser: Browser, token: str, headers: dict[str, str] = ORDERS, **more: str) -> httpx.Response:
    return browser.http.post("/introspect", headers=headers, data={"token": token, **more})


def is_inactive(response: httpx.Response) -> bool:
    assert response.headers["cache-control"] == "no-store"
    return (response.status_code, response.content) == (200, b'{"active":false}')


def web_tokens(browser: Browser) -> dict[str, str]:
    """Tokens of the confidential client ``web``."""
    response = browser.redeem(browser.code("web"), "web", client_secret=WEB_SECRET)
    assert response.status_code == 200, response.text
    tokens: dict[str, str] = response.json()
    return tokens


def test_E7_a_resource_server_learns_what_a_token_sent_to_it_says(browser: Browser) -> None:
    token = browser.tokens()["access_token"]
    response = introspect(browser, token)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["active"] is True
    assert body["token_type"] == "Bearer"
    assert {"scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti"} <= body.keys()
    assert body == {**claims_of(token), "active": True, "token_type": "Bearer"}


def test_E7_an_exchanged_token_is_told_to_its_own_audience_and_to_who_acts(browser: Browser) -> None:
    token = exchange(browser, browser.tokens()["access_token"]).json()["access_token"]
    assert introspect(browser, token, BILLING).json()["act"] == {"sub": "orders"}
    assert introspect(browser, token, ORDERS).json()["client_id"] == "orders"
    assert is_inactive(introspect(browser, token, basic("ledger-job", LEDGER_SECRET)))


def test_E7_a_client_sees_its_own_tokens_and_no_others(browser: Browser) -> None:
    own, others = web_tokens(browser), browser.tokens()
    assert introspect(browser, own["access_token"], {}, **WEB).json()["client_id"] == "web"
    described = introspect(browser, own["refresh_token"], {}, **WEB).json()
    assert described.pop("exp") > browser.server.clock()
    assert described == {
        "active": True,
        "iss": browser.server.url,
        "sub": claims_of(own["access_token"])["sub"],
        "client_id": "web",
        "scope": "openid profile email orders:read",
    }
    for token in (others["access_token"], others["refresh_token"]):
        assert is_inactive(introspect(browser, token, {}, **WEB))
    for headers in (ORDERS, BILLING):  # a refresh token is sent to no service
        assert is_inactive(introspect(browser, own["refresh_token"], headers))


def test_E7_a_token_of_client_credentials_has_no_person(browser: Browser) -> None:
    answer = browser.http.post("/token", headers=ORDERS, data={"grant_type": "client_credentials"})
    body = introspect(browser, answer.json()["access_token"], BILLING).json()
    assert (body["active"], body["sub"], body["client_id"]) == (True, "orders", "orders")
    assert "sid" not in body


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "no such type"])
def test_E7_a_hint_changes_nothing(browser: Browser, hint: str) -> None:
    tokens = web_tokens(browser)
    for name in ("access_token", "refresh_token"):
        assert introspect(browser, tokens[name], {}, token_type_hint=hint, **WEB).json()["active"] is True


def test_E7_another_services_token_looks_made_up(browser: Browser) -> None:
    assert is_inactive(introspect(browser, browser.tokens()["access_token"], BILLING))


def forged(browser: Browser) -> str:
    """Signed with a key of somebody else under one of our key ids."""
    kid = browser.http.get("/jwks").json()["keys"][0]["kid"]
    claims = {"client_id": "app", "scope": "orders:read"}
    return Issuer(browser.server.url, Key.generate("ES256", kid=kid)).issue(
        subject="alice", audience="orders", lifetime=600, claims=claims, profile=ACCESS_TOKEN
    )


def unsigned_kind(browser: Browser) -> str:
    key = Key.from_secret(b"s" * 32, alg="HS256")
    return jws.sign(b'{"active":true,"aud":"orders"}', key, header={"typ": "at+jwt"})


NO_TOKENS: dict[str, Callable[[Browser], str]] = {
    "forged": forged,
    "symmetric": unsigned_kind,
    "id token": lambda browser: str(browser.tokens()["id_token"]),
    "tampered": lambda browser: browser.tokens()["access_token"][:-8] + "AAAAAAAA",
    "signature missing": lambda browser: browser.tokens()["access_token"].rpartition(".")[0] + ".",
    "made-up refresh token": lambda browser: "mmr_" + "A" * 22 + ".1." + "A" * 43,
    "code": lambda browser: browser.code("app"),
    "dots": lambda browser: "." * 2000,
    "braces": lambda browser: "{}",
    "unicode": lambda browser: "\u2603\u0430.\ufffd",
    "large": lambda browser: "e" * 60_000,
}


@pytest.mark.parametrize("make", NO_TOKENS.values(), ids=NO_TOKENS.keys())
def test_E7_what_is_no_token_of_ours_is_inactive_and_nothing_more(
    browser: Browser, make: Callable[[Browser], str]
) -> None:
    token = make(browser)
    assert is_inactive(introspect(browser, token))
    assert is_inactive(introspect(browser, token, {}, **WEB))


def test_E7_an_expired_token_is_inactive_without_leeway(own: Browser) -> None:
    tokens = web_tokens(own)
    token = tokens["access_token"]
    own.server.clock.now = claims_of(token)["exp"] - 1
    assert introspect(own, token).json()["active"] is True
    own.server.clock.now = claims_of(token)["exp"]
    assert is_inactive(introspect(own, token))
    assert introspect(own, tokens["refresh_token"], {}, **WEB).json()["active"] is True
    own.server.clock.advance(31 * 86_400)
    assert is_inactive(introspect(own, tokens["refresh_token"], {}, **WEB))


def test_E7_revoked_tokens_are_inactive_at_once(own: Browser) -> None:
    tokens = web_tokens(own)
    assert own.http.post("/revoke", data={"token": tokens["access_token"], **WEB}).status_code == 200
    assert is_inactive(introspect(own, tokens["access_token"]))
    assert introspect(own, tokens["refresh_token"], {}, **WEB).json()["active"] is True
    assert own.http.post("/revoke", data={"token": tokens["refresh_token"], **WEB}).status_code == 200
    assert is_inactive(introspect(own, tokens["refresh_token"], {}, **WEB))


def test_E7_O11_sign_out_makes_everything_of_it_inactive(own: Browser) -> None:
    tokens = web_tokens(own)
    exchanged = exchange(own, tokens["access_token"]).json()["access_token"]
    own.submit(own.http.get("/sign-out"))
    assert is_inactive(introspect(own, tokens["access_token"]))
    assert is_inactive(introspect(own, exchanged, BILLING))
    assert is_inactive(introspect(own, tokens["refresh_token"], {}, **WEB))


def test_E7_asking_about_a_refresh_token_uses_nothing_up(own: Browser) -> None:
    token = web_tokens(own)["refresh_token"]
    for _ in range(3):
        assert introspect(own, token, {}, **WEB).json()["active"] is True
        assert own.refresh(token, "web", client_secret=WEB_SECRET).status_code == 200


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({}, {}),
        ({}, {"client_id": "app"}),  # public: it could be anybody
        (basic("app", "x"), {}),
        (basic("orders", "wrong"), {}),
        (basic("nobody", "secret"), {}),
        ({}, {"client_id": "orders", "client_secret": ORDERS_SECRET}),  # not its registered way
        ({"Authorization": "Bearer x"}, {}),
    ],
)
def test_E7_whoever_asks_authenticates_first(
    browser: Browser, headers: dict[str, str], data: dict[str, str]
) -> None:
    token = browser.tokens()["access_token"]
    response = introspect(browser, token, headers, **data)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.headers["www-authenticate"].startswith("Basic")
    assert response.headers["cache-control"] == "no-store"
    assert "active" not in response.text


def test_E7_a_request_without_a_token_and_a_get_are_refused(browser: Browser) -> None:
    response = browser.http.post("/introspect", headers=ORDERS)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert browser.http.get("/introspect?token=x", headers=ORDERS).status_code == 405
    twice = browser.http.post(
        "/introspect",
        headers=ORDERS | {"Content-Type": "application/x-www-form-urlencoded"},
        content="token=a&token=b",
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


def test_E3_E7_the_metadata_says_where_and_how(browser: Browser) -> None:
    body = browser.http.get("/.well-known/oauth-authorization-server").json()
    assert body["introspection_endpoint"] == f"{browser.server.url}/introspect"
    methods = body["introspection_endpoint_auth_methods_supported"]
    assert methods == [name for name in body["token_endpoint_auth_methods_supported"] if name != "none"]
