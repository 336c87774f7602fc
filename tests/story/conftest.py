"""The running demo, and a real browser in front of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from mintmark.demo.plan import PORTS, make_plan
from mintmark.demo.stack import Stack
from ports import free_ports

LIFETIME = 6.0  # seconds: so that a test sees several refreshes
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


@pytest.fixture
def port() -> int:
    return free_ports(len(PORTS))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    plan = make_plan(free_ports(len(PORTS)), access_token_lifetime=LIFETIME, leeway=0.0, log_level="debug")
    with Stack(plan, tmp_path_factory.mktemp("demo")) as stack:
        yield stack
    for name in PORTS:  # what a real browser makes the servers write, addresses with codes in them included
        log = stack.log_file(name).read_text()
        told = [secret for secret in (plan.password, *plan.client_secrets.values(), "code=") if secret in log]
        assert told == [], name
        assert re.search(r"eyJ[\w-]{8,}\.", log) is None, name


@pytest.fixture(scope="module")  # its event loop must not outlive the module: others run their own
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine; on Debian: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page in which an uncaught error or a violated policy fails the test."""
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda message: troubles.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    assert troubles == []
