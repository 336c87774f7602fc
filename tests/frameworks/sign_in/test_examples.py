"""The applications of examples/sign_in_* are started as they are, and a person signs in and out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from authorization_server.running import ALICE, Browser, Running, form_of, sha256_hex
from ports import free_ports

EXAMPLES = Path(__file__).parents[3] / "examples"
CHROMIUM = Path("/usr/bin/chromium")
SECRET = "the-shop-secret-0123456789"


@contextmanager
def running(name: str, issuer: str, port: int) -> Iterator[None]:
    """Start an application; return when it says where it is."""
    environment = os.environ | {
        "PORT": str(port),
        "MINTMARK_ISSUER": issuer,
        "SHOP_SECRET": SECRET,
        "PYTHONUNBUFFERED": "1",
    }
    arguments = [sys.executable, str(EXAMPLES / f"sign_in_{name}" / "app.py")]
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            seen = ""
            while f"127.0.0.1:{port}" not in seen:
                line = process.stdout.readline()
                assert line, f"the application ended: {seen}"
                seen += line
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


def shop_client(port: int) -> dict[str, object]:
    return {
        "client_id": "shop",
        "kind": "confidential",
        "client_secret_sha256": sha256_hex(SECRET),
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
        "grants": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile"],
        "first_party": True,
    }


@contextmanager
def shop_and_issuer(name: str, folder: Path, port: int) -> Iterator[Running]:
    with Running(folder, clients=[shop_client(port)], resources=[]) as server:
        server.clock.now = time.time()  # the application's clock is the real one
        with running(name, server.url, port):
            yield server


@pytest.mark.parametrize("name", ["starlette", "fastapi", "flask", "django"])
def test_the_example_signs_people_in_and_out(name: str, tmp_path: Path) -> None:
    assert len((EXAMPLES / f"sign_in_{name}" / "app.py").read_text().splitlines()) < 40
    port = free_ports(1)
    here = f"http://127.0.0.1:{port}"
    with (
        shop_and_issuer(name, tmp_path, port) as server,
        Browser(server) as browser,
        httpx.Client(base_url=here, timeout=20, headers={"Accept": "text/html"}) as shop,
    ):
        sent = shop.get(shop.get("/").headers["location"])
        back = browser.sign_in(browser.http.get(sent.headers["location"]))
        assert shop.get(back.headers["location"]).headers["location"] == "/"
        page = shop.get("/")
        assert "Signed in: " in page.text
        action, fields = form_of(page)
        assert shop.post(action, data=fields, headers={"Origin": here}).status_code == 303
        assert shop.get("/").headers["location"] == "/sign-in"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["starlette", "flask"])
def test_a_real_browser_signs_in_and_out(name: str, tmp_path: Path) -> None:
    """Chromium's own cookies, redirects, Origin and Fetch Metadata; and no script finds a token."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    port = free_ports(1)
    with shop_and_issuer(name, tmp_path, port) as server, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{port}/?page=2")
        assert page.url.startswith(server.url)
        page.fill("input[name=username]", ALICE[0])
        page.fill("input[name=password]", ALICE[1])
        page.keyboard.press("Enter")
        page.wait_for_url(f"http://127.0.0.1:{port}/?page=2")
        assert "Signed in: " in page.inner_text("body")
        assert page.evaluate("document.cookie") == ""
        assert "eyJ" not in page.content()
        before = page.input_value("input[name=csrf_token]")
        page.click("button")
        page.wait_for_url(
            f"http://127.0.0.1:{port}/"
        )  # home wants her signed in, and the issuer still knows her
        assert page.input_value("input[name=csrf_token]") != before  # another session
        chromium.close()
