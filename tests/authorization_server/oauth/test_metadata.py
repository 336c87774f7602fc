"""Metadata, keys, CORS: sections B26, E1-E6 of the checklist."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.oauth.grants import GRANTS
from mintmark.authorization_server.oauth.table import ENDPOINTS, STEPS
from mintmark.jose.jwks import KeySet

from ..running import ORIGIN, Browser

DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
READABLE = ["/token", "/userinfo", "/revoke", "/jwks", *DOCUMENTS]
CLOSED = [
    "/authorize",
    "/introspect",
    "/end-session",
    "/revocations",
    "/revocations/snapshot",
    "/sign-in",
    "/",
]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_E1_E2_both_documents_name_the_issuer_and_what_works(browser: Browser, path: str) -> None:
    body = browser.http.get(path).json()
    assert body["issuer"] == browser.server.url
    assert body["code_challenge_methods_supported"] == ["S256"]
    assert body["authorization_response_iss_parameter_supported"] is True
    assert body["response_types_supported"] == ["code"]


def test_E3_every_address_of_the_metadata_is_there(browser: Browser) -> None:
    body = browser.http.get(DOCUMENTS[0]).json()
    for name, address in body.items():
        if name.endswith(("_endpoint", "_uri")):
            path = address.removeprefix(browser.server.url)
            assert path in ENDPOINTS
            assert browser.http.request(ENDPOINTS[path].methods[0], path).status_code != 404


def test_E3_every_grant_of_the_metadata_exists_and_no_other(browser: Browser) -> None:
    body = browser.http.get(DOCUMENTS[0]).json()
    assert set(body["grant_types_supported"]) == set(GRANTS)


def test_E4_the_key_set_holds_public_keys_with_kid_use_and_alg(browser: Browser) -> None:
    keys = browser.http.get("/jwks").json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "RS256"}
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert key["use"] == "sig"
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
    assert len(KeySet.from_jwks({"keys": keys})) == len(keys)


def test_E5_a_new_key_is_published_before_it_signs_and_the_old_one_stays(own: Browser) -> None:
    service, clock = own.server.service, own.server.clock
    before = {key["kid"] for key in own.http.get("/jwks").json()["keys"]}
    token = own.tokens()["access_token"]
    own.server.do(service.keys.rotate("ES256", clock()))
    with_next = {key["kid"] for key in own.http.get("/jwks").json()["keys"]}
    assert before < with_next
    clock.advance(86_400 + 1)
    own.server.do(service.keys.tick(clock()))
    assert service.keys.current("ES256").kid in with_next - before
    after = {key["kid"] for key in own.http.get("/jwks").json()["keys"]}
    assert before <= after
    assert token


@pytest.mark.parametrize("path", [*DOCUMENTS, "/jwks"])
def test_what_may_be_kept_says_so_and_answers_304(browser: Browser, path: str) -> None:
    first = browser.http.get(path)
    assert first.headers["cache-control"].startswith("public, max-age=")
    etag = first.headers["etag"]
    for tag in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = browser.http.get(path, headers={"If-None-Match": tag})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
    assert browser.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_keys_may_be_kept_no_longer_than_the_schedule_allows(own: Browser) -> None:
    assert own.http.get("/jwks").headers["cache-control"] == "public, max-age=3600"
    own.server.clock.advance(2_592_000 - 86_400 - 100)  # 100 s before the next key appears
    age = int(own.http.get("/jwks").headers["cache-control"].rpartition("=")[2])
    assert age <= 3600


@pytest.mark.parametrize("path", READABLE)
def test_B26_a_registered_origin_may_read(browser: Browser, path: str) -> None:
    method = "POST" if path in ("/token", "/revoke") else "GET"
    answer = browser.http.request(method, path, headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in answer.headers["vary"].lower()
    preflight = browser.http.options(
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert method in preflight.headers["access-control-allow-methods"]
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", [*READABLE, *CLOSED])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", f"{ORIGIN}0"])
def test_B26_O18_no_other_origin_may(browser: Browser, path: str, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = browser.http.request(method, path, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", CLOSED)
def test_B26_pages_are_for_nobodys_scripts(browser: Browser, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = browser.http.request(method, path, headers={"Origin": ORIGIN})
        assert "access-control-allow-origin" not in answer.headers


def test_the_table_marks_every_endpoint_and_its_last_step_answers() -> None:
    columns = "ATURILFSMKXY"
    for marks, step in STEPS:
        cells = marks.split(" ")
        assert len(cells) == len(columns), step.__name__
        assert all(cell in (".", letter) for cell, letter in zip(cells, columns, strict=True)), step.__name__
    for endpoint in ENDPOINTS.values():
        assert endpoint.steps
