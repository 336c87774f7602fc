"""Real Chromium: with the keyboard alone to the application, also when that sends the person on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ..running import ALICE, Browser, Running, settings_data

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")


class _Home(BaseHTTPRequestHandler):
    """The application's home: says that the person arrived."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>arrived</h1>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def application() -> Iterator[tuple[str, str]]:
    """An application whose callback sends the person on to another origin of its own."""
    home = ThreadingHTTPServer(("127.0.0.1", 0), _Home)

    class Callback(_Home):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("location", f"http://127.0.0.1:{home.server_port}/")
            self.end_headers()

    callback = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    servers = (home, callback)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{callback.server_port}/callback", f"http://127.0.0.1:{home.server_port}"
    for server in servers:
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


@pytest.fixture
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


def test_sign_in_consent_and_the_way_on_with_the_keyboard_alone(
    tmp_path: Path, chromium: Any, application: tuple[str, str]
) -> None:
    callback, home = application
    data = settings_data("http://127.0.0.1:1")
    partner = next(client for client in data["clients"] if client["client_id"] == "partner")
    partner.update(redirect_uris=[callback], origins=[home])
    with Running(tmp_path, clients=data["clients"]) as server, Browser(server) as requests:
        page = chromium.new_page(viewport={"width": 320, "height": 640})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        query = urlencode(requests.request("partner", redirect_uri=callback))
        page.goto(f"{server.url}/authorize?{query}")
        assert page.evaluate("document.activeElement.id") == "username"
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.keyboard.type(ALICE[0])
        page.keyboard.press("Tab")
        page.keyboard.type(ALICE[1])
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Allow Partner?")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{home}/")
        assert page.inner_text("h1") == "arrived"
        assert complaints == []
        page.close()
