"""A real browser for the tests: Debian's Chromium, cut off from everything but the server under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.needs import needs

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE = 60_000
"""Milliseconds after which a browser gives up on what it waits for; on an idle machine it waits for none of them."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    needs(CHROMIUM.exists(), "Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def no_serious_finding(page: Page) -> None:
    """axe-core's rules for WCAG 2.2 A and AA, once nothing of the public page is greyed out for an answer to come."""
    expect(page.locator(".pending")).to_have_count(0, timeout=PATIENCE)
    page.wait_for_function("!document.getAnimations().some(one => one instanceof CSSTransition)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run({ runOnly: tags, iframes: false })", tags)
    serious = [v for v in found["violations"] if v["impact"] in {"serious", "critical"}]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in serious] == []


class Visitor:
    """Somebody at a browser of their own, with their own cookies.

    Attributes:
        page: what they look at.
        outside: addresses beyond the server that were asked for; none was answered.
        faults: errors of scripts in the page.
    """

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.outside: list[str] = []
        self.faults: list[str] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        self.context.set_default_timeout(PATIENCE)
        self.context.route(lambda address: not address.startswith(url), self._refuse)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, path: str) -> None:
        """Go to a page by its address."""
        self.page.goto(self.url + path)

    def sign_in(self, name: str, password: str) -> None:
        """Sign in and land on Home."""
        self.open("/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Today", exact=True).wait_for()

    def _refuse(self, route: Route) -> None:
        self.outside.append(route.request.url)
        route.abort()
