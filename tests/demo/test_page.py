"""The page's server: a policy without holes, and a page that keeps it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from mintmark.demo.page import APP, PageConfig, create_app

CONFIG = PageConfig(
    client_id="demo-app",
    scope="openid",
    issuer="http://127.0.0.1:8700",
    orders="http://127.0.0.1:8702",
    billing="http://127.0.0.1:8703",
    person="alice",
    leeway=2.0,
)
SOURCES = sorted(path for path in APP.rglob("*") if path.is_file())


def get(path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(CONFIG))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8701") as client:
            return await client.get(path)

    return asyncio.run(ask())


def policy_of(response: httpx.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("path", ["/", "/callback", "/config.json", "/js/main.js", "/nothing-here"])
def test_p10_every_answer_carries_a_policy_without_inline_or_foreign_code(path: str) -> None:
    response = get(path)
    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == f"'self' {CONFIG.issuer} {CONFIG.orders} {CONFIG.billing}"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_only_the_relay_may_be_framed_and_only_by_its_own_origin() -> None:
    response = get("/relay")
    assert response.status_code == 200
    assert policy_of(response)["frame-ancestors"] == "'self'"
    assert response.headers["x-frame-options"] == "SAMEORIGIN"


def test_the_callback_is_the_page_itself() -> None:
    assert get("/callback").text == get("/").text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(APP)))
def test_p10_no_source_keeps_anything_or_fetches_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert "localStorage" not in text
    assert "innerHTML" not in text
    assert "eval(" not in text
    if path.suffix == ".html":
        assert re.search(r"<script(?![^>]*\bsrc=)", text) is None
        assert re.search(r"\s(?:style|on\w+)=", text) is None
    foreign = set(re.findall(r"https?://[^\s\"'`)>]+", text)) - {"http://www.w3.org/2000/svg"}
    assert foreign == set()
    if "sessionStorage" in text:
        assert path.name == "oauth.js", "only what a pending sign-in needs may outlive a redirect"
