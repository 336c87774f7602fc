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

from authorization_server.running import Browser, Running, form_of, sha256_hex
from ports import free_ports

EXAMPLES = Path(__file__).parents[3] / "examples"
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


@pytest.mark.parametrize("name", ["starlette", "fastapi", "flask", "django"])
def test_the_example_signs_people_in_and_out(name: str, tmp_path: Path) -> None:
    assert len((EXAMPLES / f"sign_in_{name}" / "app.py").read_text().splitlines()) < 40
    port = free_ports(1)
    client = {
        "client_id": "shop",
        "kind": "confidential",
        "client_secret_sha256": sha256_hex(SECRET),
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
        "grants": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile"],
        "first_party": True,
    }
    with (
        Running(tmp_path, clients=[client], resources=[]) as server,
        running(name, server.url, port),
        Browser(server) as browser,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=20, headers={"Accept": "text/html"}
        ) as shop,
    ):
        server.clock.now = time.time()  # the application's clock is the real one
        sent = shop.get(shop.get("/").headers["location"])
        back = browser.sign_in(browser.http.get(sent.headers["location"]))
        assert shop.get(back.headers["location"]).headers["location"] == "/"
        page = shop.get("/")
        assert "Signed in: " in page.text
        action, fields = form_of(page)
        assert (
            shop.post(action, data=fields, headers={"Origin": str(shop.base_url).rstrip("/")}).status_code
            == 303
        )
        assert shop.get("/").headers["location"] == "/sign-in"
