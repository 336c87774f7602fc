"""Whatever is sent to any endpoint, the answer is the protocol's: never a 500, JSON where JSON is due."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mintmark.authorization_server.oauth.grants import GRANTS

from ..running import CALLBACK, EXCHANGE, ORDERS_SECRET, Browser, basic

PARAMETERS = [
    *("client_id", "client_secret", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt"),
    *(
        "max_age",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "audience",
        "id_token_hint",
        "login_hint",
    ),
    *("grant_type", "code", "code_verifier", "refresh_token", "subject_token", "subject_token_type", "token"),
    *("post_logout_redirect_uri", "request", "username", "password", "decision", "up_to", "response_mode"),
]
VALUES = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=20).map(lambda data: data.decode("latin-1")),
    st.sampled_from(
        [
            *GRANTS,
            *(
                "app",
                "web",
                "native",
                "orders",
                "code",
                "S256",
                "openid",
                "none",
                "login",
                CALLBACK,
                "0",
                "-1",
                "1e9",
            ),
            *(
                "a.b.c",
                "mmr_x.0.y",
                "mmc_x",
                "é",
                "\x00",
                "x" * 43,
                "x" * 5000,
                "true",
                "[]",
                "%",
                "\ud7ff",
                "🪙",
            ),
        ]
    ),
)
REQUESTS = st.lists(st.tuples(st.sampled_from(PARAMETERS), VALUES), max_size=8)
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
FORM = {"content-type": "application/x-www-form-urlencoded"}


@FEW
@given(pairs=REQUESTS, authenticated=st.booleans())
def test_B24_token_and_revoke_always_answer_json(
    browser: Browser, pairs: list[tuple[str, str]], authenticated: bool
) -> None:
    headers = {**FORM, **(basic("orders", ORDERS_SECRET) if authenticated else {})}
    content = urlencode(pairs, errors="surrogatepass")
    for path in ("/token", "/revoke"):
        response = browser.http.post(path, content=content, headers=headers)
        assert response.status_code in (200, 400, 401, 429)
        if response.content:
            assert response.headers["content-type"] == "application/json"
            assert "error" in response.json() or "access_token" in response.json()


@FEW
@given(pairs=REQUESTS, exchange=st.booleans())
def test_good_requests_with_one_strange_thing_never_fail_badly(
    browser: Browser, pairs: list[tuple[str, str]], exchange: bool
) -> None:
    grant_type = EXCHANGE if exchange else "client_credentials"
    content = urlencode([("grant_type", grant_type), *(pair for pair in pairs if pair[0] != "grant_type")])
    response = browser.http.post(
        "/token", content=content, headers={**FORM, **basic("orders", ORDERS_SECRET)}
    )
    assert response.status_code in (200, 400)


@FEW
@given(pairs=REQUESTS)
def test_pages_always_answer_as_pages(browser: Browser, pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="surrogatepass")
    good = urlencode({"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK})
    for path in ("/authorize", "/end-session"):
        for text in (query, f"{good}&{query}"):
            response = browser.http.get(f"{path}?{text}")
            assert response.status_code in (200, 303, 400, 403)
    for path in ("/sign-in", "/consent", "/notice", "/sign-out"):
        response = browser.http.post(path, content=query, headers=FORM)
        assert response.status_code in (200, 400, 403)
        assert response.headers["content-type"].startswith("text/html")


@FEW
@given(
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60),
    name=st.sampled_from(
        ["authorization", "cookie", "origin", "if-none-match", "last-event-id", "sec-fetch-site"]
    ),
)
def test_strange_headers_do_no_harm(browser: Browser, name: str, value: str) -> None:
    headers = [(name.encode(), value.strip().encode("latin-1"))]
    for method, path in (
        ("GET", "/userinfo"),
        ("POST", "/token"),
        ("GET", "/jwks"),
        ("GET", "/"),
        ("POST", "/sign-in"),
    ):
        response = browser.http.request(method, path, headers=headers)
        assert response.status_code in (200, 303, 304, 400, 401, 403)
