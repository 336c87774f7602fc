"""The page as a person sees it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from mintmark.demo.plan import PERSON
from mintmark.demo.stack import Stack


def open_page(page: Page, stack: Stack) -> None:
    page.goto(stack.plan.page)
    expect(page.locator("#sign-in")).to_be_visible()


def submit_sign_in(page: Page, stack: Stack) -> None:
    page.click("#sign-in")
    page.fill("input[name=username]", PERSON)
    page.fill("input[name=password]", stack.plan.password)
    page.press("input[name=password]", "Enter")


def sign_in(page: Page, stack: Stack) -> None:
    open_page(page, stack)
    submit_sign_in(page, stack)
    expect(page.locator("#desk")).to_be_visible()


def do(page: Page, deed: str) -> str:
    """Press a deed's button and return what the page says of its outcome."""
    page.click(f"#deed-{deed}")
    outcome = page.locator(f"#deed-{deed}-outcome")
    expect(outcome.locator(".chip")).to_be_visible()
    return outcome.inner_text()


def access_token(page: Page) -> str:
    return page.locator("#raw").inner_text().strip()


def stored(page: Page) -> dict[str, str]:
    """Everything that this page keeps in the browser."""
    found: dict[str, str] = page.evaluate(
        "({...localStorage, ...sessionStorage, ...(document.cookie ? {cookie: document.cookie} : {})})"
    )
    return found
