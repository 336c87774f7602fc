"""The main road: sign in, code, tokens, userinfo, refresh, exchange, feed, sign-out; over a real socket."""

from __future__ import annotations

from ..running import ACCESS_TOKEN_TYPE, EXCHANGE, ORDERS_SECRET, Browser, answer_of, basic, claims_of


def test_P2_sign_in_code_tokens_userinfo_refresh_exchange_sign_out(own: Browser) -> None:
    tokens = own.tokens()
    claims = claims_of(tokens["access_token"])
    assert claims["aud"] == "orders"
    assert claims["client_id"] == "app"
    assert claims["scope"] == "openid profile email orders:read"
    assert claims["roles"] == ["customer"]
    assert tokens["token_type"] == "Bearer"
    identity = claims_of(tokens["id_token"])
    assert identity["nonce"] == "n0nce"
    assert identity["sub"] == claims["sub"]

    person = own.userinfo(tokens["access_token"]).json()
    assert person["sub"] == claims["sub"]
    assert person["email"] == "alice@example.com"

    own.server.clock.advance(60)
    renewed = own.refresh(tokens["refresh_token"]).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert claims_of(renewed["access_token"])["grant_id"] == claims["grant_id"]

    exchanged = own.http.post(
        "/token",
        headers=basic("orders", ORDERS_SECRET),
        data={
            "grant_type": EXCHANGE,
            "subject_token": renewed["access_token"],
            "subject_token_type": ACCESS_TOKEN_TYPE,
            "audience": "billing",
        },
    ).json()
    for_billing = claims_of(exchanged["access_token"])
    assert for_billing["aud"] == "billing"
    assert for_billing["sub"] == claims["sub"]
    assert for_billing["sid"] == claims["sid"]
    assert for_billing["act"] == {"sub": "orders"}

    assert answer_of(own.authorize(prompt="none"))["code"]
    page = own.submit(own.http.get("/sign-out"))
    assert page.status_code == 200
    assert answer_of(own.authorize(prompt="none"))["error"] == "login_required"
    assert own.userinfo(renewed["access_token"]).status_code == 401
    assert own.userinfo(exchanged["access_token"]).status_code == 401
    assert own.refresh(renewed["refresh_token"]).json()["error"] == "invalid_grant"
