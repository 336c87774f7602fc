"""Takes the demo's pictures for the documents: ``python scripts/screenshots.py [FOLDER]``. Needs chromium."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from mintmark.demo.plan import PERSON, make_plan
from mintmark.demo.stack import Stack

DOCS: Final = Path(__file__).parents[1] / "docs"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--force-color-profile=srgb",
)
FIRST_PORT: Final = 8700  # the addresses that the documents speak of
DEEDS: Final = ("tamper", "audience", "orders", "invoice")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file, the window that it shows, and how much of the page."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    scale: float = 1.5


PICTURES: Final = (
    Picture("demo.png", 1280, 860, "light"),
    Picture("demo-dark.png", 1280, 860, "dark"),
    Picture("demo-phone.png", 390, 844, "dark", 2),
)


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(stack.plan.page)
    page.click("#sign-in")
    page.fill("input[name=username]", PERSON)
    page.fill("input[name=password]", stack.plan.password)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("#desk:not([hidden])")


def take(browser: Browser, stack: Stack, picture: Picture, folder: Path) -> None:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=picture.scale,
        locale="en-GB",
    )
    page = context.new_page()
    sign_in(page, stack)
    page.wait_for_timeout(1100)  # so that the tokens of the time line differ by more than nothing
    page.click("#refresh")
    page.wait_for_selector("#lives li + li")
    for deed in DEEDS:
        page.click(f"#deed-{deed}")
        page.wait_for_selector(f"#deed-{deed}-outcome .chip")
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    page.screenshot(path=folder / picture.name)
    context.close()


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("screenshots: there is no chromium; on Debian: apt install chromium\n")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        Stack(make_plan(FIRST_PORT), Path(directory)) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for picture in PICTURES:
            take(browser, stack, picture, folder)
            sys.stdout.write(f"{folder / picture.name}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
