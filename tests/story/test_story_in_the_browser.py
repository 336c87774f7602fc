"""The demo's page in a real browser, from the first click to the last refusal (P2, P10, P11, P12)."""

from __future__ import annotations

import re
import time

import pytest
from desk import access_token, do, open_page, sign_in, stored, submit_sign_in
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from mintmark.demo.plan import PERSON
from mintmark.demo.stack import Stack
from mintmark.demo.story.web import Browser as Http
from mintmark.demo.story.web import query_of
from mintmark.demo.story.world import claims_in

pytestmark = pytest.mark.browser

MISUSES = {
    "tamper": "signature_invalid",
    "unsigned": "algorithm_not_allowed",
    "audience": "claim_mismatch",
    "idtoken": "typ_mismatch",
    "scope": "scope_insufficient",
}


def call(stack: Stack, service: str, path: str, token: str) -> str:
    web = Http()
    try:
        url = stack.plan.url(service) + path
        return web.send("GET", url, headers={"Authorization": f"Bearer {token}"}).refusal
    finally:
        web.close()


def test_a_person_signs_in_uses_misuses_renews_reloads_and_signs_out(page: Page, stack: Stack) -> None:
    sign_in(page, stack)
    assert page.url == f"{stack.plan.page}/", "the code has left the address bar"
    assert "1001" in do(page, "orders")
    assert "orders asked for you" in do(page, "invoice")
    for deed, reason in MISUSES.items():
        assert reason in do(page, deed), deed

    first = access_token(page)
    expect(page.locator("#raw")).not_to_have_text(first, timeout=8_000)  # renewed, and nobody was asked
    expect(page.locator("#log")).to_contain_text("Silently, ahead of expiry")
    expect(page.locator("#deed-expired")).to_have_attribute("aria-disabled", "false", timeout=10_000)
    assert "token_expired" in do(page, "expired")
    assert stored(page) == {}

    page.reload()
    expect(page.locator("#desk")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("Recognised again")
    assert claims_in(access_token(page))["sid"] == claims_in(first)["sid"]
    assert stored(page) == {}

    page.click("#refresh")
    expect(page.locator("#log")).to_contain_text("Because you asked")
    token = access_token(page)
    assert call(stack, "orders", "/orders", token) == "200"
    page.click("#sign-out")
    proof = page.locator("#proof li")
    expect(proof).to_have_count(2)
    assert call(stack, "orders", "/orders", token) == "401 invalid_token token_revoked"
    for index, place in enumerate(("orders", "billing")):
        assert proof.nth(index).get_attribute("data-place") == place
        assert proof.nth(index).get_attribute("data-status") == "401"
        assert int(proof.nth(index).get_attribute("data-after") or "9999") < 1000
        assert "token_revoked" in proof.nth(index).inner_text()
    assert stored(page) == {}
    page.reload()
    expect(page.locator("#welcome")).to_be_visible()


def test_p3_the_issuer_is_killed_and_comes_back_and_nobody_is_signed_out(page: Page, stack: Stack) -> None:
    sign_in(page, stack)
    page.click("#refresh")
    expect(page.locator("#log")).to_contain_text("Because you asked")
    token = access_token(page)
    stack.kill("issuer")
    try:
        assert "1001" in do(page, "orders")
        expect(page.locator("#log")).to_contain_text("The issuer does not answer", timeout=8_000)
        expect(page.locator("#desk")).to_be_visible()
    finally:
        stack.start("issuer")
        stack.wait_until_healthy("issuer")
    expect(page.locator("#raw")).not_to_have_text(token, timeout=10_000)
    assert "1001" in do(page, "orders")
    assert claims_in(access_token(page))["sid"] == claims_in(token)["sid"]
    page.reload()
    expect(page.locator("#desk")).to_be_visible()


def test_it_can_all_be_done_with_the_keyboard(page: Page, stack: Stack) -> None:
    open_page(page, stack)
    tab_to(page, "sign-in")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=username]")).to_be_focused()
    page.keyboard.type(PERSON)
    page.keyboard.press("Tab")
    page.keyboard.type(stack.plan.password)
    page.keyboard.press("Enter")
    expect(page.locator("#desk")).to_be_visible()
    tab_to(page, "deed-orders")
    page.keyboard.press("Enter")
    expect(page.locator("#deed-orders-outcome .chip")).to_have_text("200")
    tab_to(page, "tab-access")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-id")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#parts")).to_contain_text("nonce")
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "sign-out")
    page.keyboard.press("Space")
    expect(page.locator("#proof")).to_be_visible()
    expect(page.locator("#welcome-title")).to_be_focused()


def tab_to(page: Page, element: str) -> None:
    """Press Tab until the element has the focus, and see that a person would know it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == element:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"Tab does not lead to {element}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(chromium: Browser, stack: Stack, scheme: str) -> None:
    context = chromium.new_context(
        viewport={"width": 320, "height": 640},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        open_page(page, stack)
        assert overflow(page) <= 0
        sign_in(page, stack)
        for deed in ("orders", "invoice", "tamper", "audience"):
            do(page, deed)
        page.locator("#log details summary").first.click()
        assert overflow(page) <= 0
        assert smallest_button(page) >= 40
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in re.findall(r"\d+", ground)[:3]) / 3
        assert (light > 200) if scheme == "light" else (light < 60)
        assert page.evaluate("getComputedStyle(document.getElementById('ring')).transitionDuration") == "0s"
    finally:
        context.close()


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


def smallest_button(page: Page) -> float:
    """The height of the lowest button that deeds are done with: a thumb must find it."""
    heights: list[float] = page.evaluate(
        "[...document.querySelectorAll('.deed-list button')].map(b => b.getBoundingClientRect().height)"
    )
    return min(heights)


def test_an_answer_that_the_page_did_not_ask_for_is_refused(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.plan.page}/callback?code=stolen&state=made-up&iss={stack.plan.issuer}")
    expect(page.locator("#trouble")).to_contain_text("does not belong to a sign-in that this page began")
    assert page.url == f"{stack.plan.page}/"


def test_an_answer_of_another_issuer_is_refused(page: Page, stack: Stack) -> None:
    """RFC 9207 2.4: the state is right, and yet the answer was mixed up."""
    open_page(page, stack)
    with page.expect_request("**/authorize?*") as asked:
        page.click("#sign-in")
    state = query_of(asked.value.url)["state"]
    expect(page.locator("input[name=username]")).to_be_visible()
    page.goto(f"{stack.plan.page}/callback?code=stolen&state={state}&iss=https%3A%2F%2Fevil.example")
    expect(page.locator("#trouble")).to_contain_text("another issuer")
    assert stored(page) == {}


def test_a_token_that_is_no_id_token_of_ours_is_refused(page: Page, stack: Stack) -> None:
    """OpenID Connect Core 3.1.3.7: signed by the issuer is not enough."""

    def swapped(route: Route) -> None:
        response = route.fetch()
        route.fulfill(
            response=response, json={**response.json(), "id_token": response.json()["access_token"]}
        )

    open_page(page, stack)
    page.route("**/token", swapped)
    submit_sign_in(page, stack)
    expect(page.locator("#trouble")).to_contain_text("ID token is refused: it is meant for another client")


def test_p12_signing_out_in_one_window_ends_the_other(
    page: Page, context: BrowserContext, stack: Stack
) -> None:
    sign_in(page, stack)
    other = context.new_page()
    other.goto(stack.plan.page)
    expect(other.locator("#desk")).to_be_visible()  # recognised without a password
    other.click("#sign-out")
    expect(other.locator("#proof")).to_be_visible()
    expect(page.locator("#trouble")).to_contain_text("Your sign-in has ended", timeout=10_000)
    expect(page.locator("#sign-in")).to_be_visible()


def test_two_calls_at_once_refresh_only_once(page: Page, stack: Stack) -> None:
    sign_in(page, stack)
    refreshes: list[float] = []
    page.on(
        "request",
        lambda request: refreshes.append(time.monotonic()) if request.url.endswith("/token") else None,
    )
    page.evaluate("for (let i = 0; i < 5; i++) document.getElementById('refresh').click()")
    expect(page.locator("#log")).to_contain_text("Because you asked")
    assert len(refreshes) == 1
