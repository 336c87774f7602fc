"""Pages and forms: headers, escaping, forgery, markup for everybody, slow-down. No JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from ..running import ALICE, Browser, Running, answer_of, form_of

PAGES = [
    "/",
    "/sign-in",
    "/authorize?client_id=app&redirect_uri=http://127.0.0.1:9/callback",
    "/authorize?client_id=x",
]


@pytest.mark.parametrize("path", PAGES)
def test_A26_A27_every_page_is_closed(browser: Browser, path: str) -> None:
    page = browser.http.get(path)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "script-src" not in policy
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert " style=" not in page.text
    for address in re.findall(r'(?:href|src|action)="([^"]+)"', page.text):
        assert address.startswith("/")
        assert not address.startswith("//")


def test_the_form_may_lead_to_the_application_and_nowhere_else(browser: Browser) -> None:
    page = browser.authorize()
    assert page.headers["content-security-policy"].endswith("form-action 'self' http://127.0.0.1:9")
    assert browser.http.get("/sign-in").headers["content-security-policy"].endswith("form-action 'self'")


def test_A30_what_others_wrote_is_escaped(browser: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    page = browser.authorize(state=evil, login_hint=evil, scope=f"openid {evil}")
    assert "<script" not in page.text
    assert "Shop &lt;b&gt;&amp;amp;&lt;/b&gt;" in page.text
    _, fields = form_of(page)
    assert fields["username"] == evil
    refusal = browser.http.get("/authorize", params={"client_id": evil})
    assert "<script" not in refusal.text
    assert "<Archer>" not in browser.sign_in(browser.authorize("partner")).text


def test_the_sign_in_page_is_made_for_people_password_managers_and_screen_readers(browser: Browser) -> None:
    page = browser.authorize().text
    assert '<html lang="en">' in page
    assert "Sign in to Shop" in page
    assert re.search(
        r'<label for="username">.*?<input id="username" name="username"[^>]*autocomplete="username"',
        page,
        re.S,
    )
    assert re.search(
        r'<label for="password">.*?name="password" type="password" autocomplete="current-password"',
        page,
        re.S,
    )


def test_a_wrong_password_is_announced_at_the_field_and_keeps_the_username(browser: Browser) -> None:
    page = browser.submit(browser.authorize(), username="alice", password="wrong")
    assert page.status_code == 422
    assert 'role="alert">Username or password is not right.' in page.text
    assert 'aria-invalid="true" aria-describedby="wrong"' in page.text
    assert page.text.count('id="wrong"') == 1
    assert "Not signed in" in page.text
    action, fields = form_of(page)
    assert action == "/sign-in"
    assert fields["username"] == "alice"
    assert fields["password"] == ""
    assert answer_of(browser.sign_in(page))["code"]


def test_O14_a_stranger_and_a_wrong_password_get_the_same_page(browser: Browser) -> None:
    known = browser.submit(browser.http.get("/sign-in"), username="alice", password="wrong")
    unknown = browser.submit(browser.http.get("/sign-in"), username="nobody", password="wrong")
    assert known.status_code == unknown.status_code
    assert known.text.replace("alice", "nobody") == unknown.text


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("alice", ""), ("", "")])
def test_an_empty_field_is_asked_for(browser: Browser, username: str, password: str) -> None:
    page = browser.submit(browser.http.get("/sign-in"), username=username, password=password)
    assert page.status_code == 422
    assert "Enter your" in page.text


def test_signing_in_without_an_application_leads_home(browser: Browser) -> None:
    response = browser.sign_in(browser.http.get("/sign-in"))
    assert response.status_code == 303
    assert response.headers["location"] == "/"
    assert "Alice &lt;Archer&gt;" in browser.http.get("/").text
    assert browser.http.get("/sign-in").status_code == 303


def test_O15_guessing_is_slowed_down_with_a_page_that_says_so(own: Browser) -> None:
    page = own.http.get("/sign-in")
    for _ in range(40):
        page = own.submit(page, username="bob", password="wrong")
        if page.status_code == 429:
            break
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    assert "Too many tries" in page.text
    own.server.clock.advance(3600)
    assert own.submit(page, username="bob", password="a fine and private password").status_code == 303


def test_csrf_a_form_without_its_cookie_is_not_taken(shared: Running) -> None:
    with Browser(shared) as victim, Browser(shared) as stranger:
        _, fields = form_of(stranger.authorize())
        page = victim.http.post("/sign-in", data={**fields, "username": ALICE[0], "password": ALICE[1]})
        assert page.status_code == 403
        assert "set-cookie" not in page.headers or "mintmark=" not in page.headers["set-cookie"]


def test_csrf_a_form_of_another_request_or_purpose_is_not_taken(browser: Browser) -> None:
    _, sign_in = form_of(browser.authorize())
    other = browser.authorize(state="other")
    assert (
        browser.submit(other, token=sign_in["token"], username=ALICE[0], password=ALICE[1]).status_code == 403
    )
    consent = browser.sign_in(browser.authorize("partner"))
    assert browser.submit(consent, token=sign_in["token"], decision="allow").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_csrf_a_post_from_elsewhere_is_not_taken(browser: Browser, headers: dict[str, str]) -> None:
    action, fields = form_of(browser.authorize())
    data = {**fields, "username": ALICE[0], "password": ALICE[1]}
    page = browser.http.post(action, data=data, headers=headers)
    assert page.status_code == 403
    assert "sign in once more" in page.text


@pytest.mark.parametrize("headers", [{"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {}])
def test_a_post_of_our_own_page_is_taken(browser: Browser, headers: dict[str, str]) -> None:
    action, fields = form_of(browser.authorize())
    data = {**fields, "username": ALICE[0], "password": ALICE[1]}
    assert browser.http.post(action, data=data, headers=headers).status_code == 303


@pytest.mark.parametrize("path", ["/consent", "/notice", "/sign-out"])
def test_csrf_other_forms_of_a_signed_in_person_are_guarded_too(browser: Browser, path: str) -> None:
    browser.code()
    data = {"request": "client_id=app", "decision": "allow", "up_to": "1", "token": "x"}
    page = browser.http.post(path, data=data)
    assert page.status_code == 403
    assert "start again" in page.text
    assert answer_of(browser.authorize(prompt="none"))["code"]


@pytest.mark.parametrize("path", ["/sign-in", "/consent", "/notice", "/sign-out"])
@pytest.mark.parametrize(
    "body", [b"", b"a=%ff", b"x" * 100_000, b"request=%FF", b"up_to=x", b"request=%C3%A4"]
)
def test_nonsense_is_a_page_and_never_500(browser: Browser, path: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.http.post(path, content=body, headers=headers).status_code in (200, 400, 403)


def test_O17_cookies_on_loopback(browser: Browser) -> None:
    page = browser.authorize()
    response = browser.sign_in(page)
    for header in [*page.headers.get_list("set-cookie"), *response.headers.get_list("set-cookie")]:
        assert "HttpOnly" in header
        assert "samesite=lax" in header.lower()
        assert "path=/" in header.lower()
        assert "domain" not in header.lower()
        assert "secure" not in header.lower()


def test_O17_cookies_on_https_are_host_bound_and_secure(tmp_path: Path) -> None:
    import asyncio

    from mintmark.authorization_server.app import create_app
    from mintmark.authorization_server.settings_file import load_settings

    from ..running import settings_data, toml_of

    file = tmp_path / "settings.toml"
    file.write_text(toml_of(settings_data("https://auth.example.com")))
    app = create_app(load_settings(file))

    async def walk() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="https://auth.example.com") as http,
        ):
            page = await http.get("/sign-in")
            action, fields = form_of(page)
            done = await http.post(action, data={**fields, "username": ALICE[0], "password": ALICE[1]})
            assert done.status_code == 303
            assert page.headers["strict-transport-security"] == "max-age=31536000"
            return [*page.headers.get_list("set-cookie"), *done.headers.get_list("set-cookie")]

    headers = asyncio.run(walk())
    names = {header.partition("=")[0] for header in headers}
    assert names == {"__Host-mintmark", "__Host-mintmark-form", "__Host-mintmark-device"}
    for header in headers:
        assert "; Secure" in header
        assert "HttpOnly" in header
        assert "Path=/" in header
        assert "samesite=lax" in header.lower()
        assert "domain" not in header.lower()


def test_the_cookie_is_renewed_at_each_sign_in(own: Browser) -> None:
    own.code()
    before = own.http.cookies["mintmark"]
    own.sign_in(own.authorize(prompt="login"))
    assert own.http.cookies["mintmark"] != before
    with Browser(own.server) as stolen:
        stolen.http.cookies.set("mintmark", before)
        assert answer_of(stolen.authorize(prompt="none"))["error"] == "login_required"


def test_signing_out_takes_the_cookie_away(own: Browser) -> None:
    own.code()
    response = own.submit(own.http.get("/sign-out"))
    assert any(
        header.startswith("mintmark=; ") and "Max-Age=0" in header
        for header in response.headers.get_list("set-cookie")
    )
    assert "mintmark" not in own.http.cookies


def test_pages_that_are_not_there(browser: Browser) -> None:
    page = browser.http.get("/nothing", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "no such page" in page.text
    assert browser.http.get("/nothing").json()["error"] == "invalid_request"
    assert browser.http.get("/static/../settings.py").status_code == 404
    for path in ("/token/", "/sign-in/"):
        assert browser.http.post(path, headers={"Host": "evil.example"}).status_code == 404


def test_static_files_are_kept_for_a_year_under_a_name_of_their_content(browser: Browser) -> None:
    for address in re.findall(r'href="(/static/[^"]+)"', browser.http.get("/").text):
        assert re.fullmatch(r"/static/[a-z.]+\?[0-9a-f]{12}", address)
        response = browser.http.get(address)
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_alive_and_ready(browser: Browser) -> None:
    assert browser.http.get("/health").json() == {"status": "ok"}
    assert browser.http.get("/ready").json() == {"status": "ok"}
