"""The same walk through every framework: sign in, be recognised, be renewed, sign out."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from authorization_server.running import Browser, Running
from client.sign_in.person import APP, SETTINGS, sign_in_at
from mintmark.client.sign_in import MemorySessionStore
from mintmark.client.sign_in import SignIn as Core
from mintmark.errors import ConfigurationError
from mintmark.frameworks.sign_in import django, flask, starlette

from .apps import APPS

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("server"), **SETTINGS) as server:
        yield server


@pytest.fixture(params=["cookie", "store"])
def core(request: pytest.FixtureRequest, server: Running) -> Core:
    store = MemorySessionStore() if request.param == "store" else None
    return sign_in_at(server, store=store, post_logout_redirect_uri=f"{APP}/bye")


@pytest.fixture(params=APPS)
def shop(request: pytest.FixtureRequest, core: Core) -> Iterator[httpx.Client]:
    with APPS[request.param](core) as client:
        yield client


def sign_in(server: Running, shop: httpx.Client) -> httpx.Response:
    sent = shop.get("/orders?page=2", headers=PAGE)
    assert sent.status_code == 303, sent.text
    assert sent.headers["location"] == "/sign-in?return_to=%2Forders%3Fpage%3D2"
    begun = shop.get(sent.headers["location"])
    with Browser(server) as browser:
        back = browser.sign_in(browser.http.get(begun.headers["location"]))
    return shop.get(back.headers["location"], headers=PAGE)


def test_a_person_signs_in_is_renewed_and_signs_out(server: Running, shop: httpx.Client) -> None:
    assert shop.get("/", headers=PAGE).text == "nobody"
    done = sign_in(server, shop)
    assert done.status_code == 303
    assert done.headers["location"] == "/orders?page=2"
    name, _, csrf_token = shop.get("/orders?page=2").text.partition("|")
    assert name == "Alice <Archer>"
    assert shop.get("/").text == f"{name}|{csrf_token}"
    assert shop.post("/order").text == "ordered"

    before = dict(shop.cookies)
    server.clock.advance(700)  # the access token has run out
    renewed = shop.get("/orders")
    assert renewed.text == f"{name}|{csrf_token}"
    if dict(shop.cookies) != before:  # the session is in the cookie
        assert renewed.headers["cache-control"] == "no-store"
        lines = renewed.headers.get_list("set-cookie")
        (line,) = (c for c in lines if c.strip().startswith("mintmark-session="))
        assert {part.strip().partition("=")[0].lower() for part in line.split(";")[1:]} >= {
            "httponly",
            "samesite",
            "path",
            "max-age",
        }

    kept = dict(shop.cookies)
    assert shop.post("/sign-out", data={"csrf_token": "wrong"}).status_code == 403
    out = shop.post("/sign-out", data={"csrf_token": csrf_token}, headers={"Origin": APP})
    assert out.status_code == 303, out.text
    assert out.headers["location"].startswith(f"{server.url}/end-session?")
    assert "mintmark-session" not in shop.cookies
    assert shop.get("/").text == "nobody"
    shop.cookies.update(kept)
    assert shop.get("/").text == "nobody"  # O11: the cookie from before


def test_a_script_gets_401_and_another_sites_post_403(server: Running, shop: httpx.Client) -> None:
    late = shop.post("/order", headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"})
    assert late.headers["location"] == "/sign-in"  # a form that was sent too late
    refused = shop.get("/orders", headers={"Accept": "application/json"})
    assert refused.status_code == 401
    assert refused.json() == {"error": "login_required"}
    assert "www-authenticate" in refused.headers
    sign_in(server, shop)
    assert shop.post("/order", headers={"Origin": "https://evil.example"}).status_code == 403
    assert shop.post("/order", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert shop.post("/order", headers={"Sec-Fetch-Site": "same-origin", "Origin": APP}).text == "ordered"


def test_a_strange_callback_and_a_wrong_method_are_answered(shop: httpx.Client) -> None:
    strange = shop.get("/callback?code=x&state=y", headers=PAGE)
    assert strange.status_code == 400
    assert "default-src 'none'" in strange.headers["content-security-policy"]
    assert shop.get("/sign-out").status_code == 405
    assert shop.post("/sign-in").status_code == 405


def test_the_backchannel_is_there_with_a_store_only(core: Core, shop: httpx.Client) -> None:
    answer = shop.post("/backchannel-logout", data={"logout_token": "x.y.z"})
    assert answer.status_code == (400 if "/backchannel-logout" in core.paths else 404)
    too_long = shop.post("/backchannel-logout", data={"logout_token": "x" * 100_000})
    assert too_long.status_code in (400, 404)


@pytest.mark.parametrize("adapter", [starlette.SignIn, flask.SignIn, django.SignIn])
def test_each_adapter_says_what_it_lacks(adapter: type, server: Running) -> None:
    for given in ({}, {"issuer": server.url}, {"core": sign_in_at(server), "issuer": server.url}):
        with pytest.raises(ConfigurationError):
            adapter(**given)
