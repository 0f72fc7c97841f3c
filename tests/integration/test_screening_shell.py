"""What stands around the public page: how it is installed, what it weighs, and what is seen before it is whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, CDPSession, Page, Route, expect, sync_playwright

from core.guidance import words
from core.languages import LANGUAGES, Language
from core.vision.reader import Reader
from dashboard.screening.answers import text
from tests.browser import CHROMIUM, FLAGS, PATIENCE, chromium
from tests.needs import needs
from tests.screening import Served, screening_served

OUR_WEIGHT = 1.5e6
"""Bytes that the page may bring over the line beside Gradio's own scripts and styles."""

GRADIO = ("/assets/", "/static/")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Iterator[Served]:
    with screening_served(tmp_path_factory.mktemp("home"), reader) as page:
        yield page


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a browser in English."""
    with chromium() as browser:
        yield opened(browser)


def opened(browser: Browser) -> Page:
    """A new page of a phone."""
    return browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB").new_page()


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.code for language in LANGUAGES])
def test_the_page_says_what_it_is_before_any_script_has_run(served: Served, language: Language) -> None:
    page = httpx.get(served.address + language.code.replace("en", ""), params={"lang": "en"}).text
    shown = page.partition('<div id="first-words">')[2].partition("<gradio-app")[0]
    for sentence in (words.TITLE, words.INTRODUCTION, words.CONSENT_TITLE, words.PRIVACY):
        assert text(language.translate(sentence)) in shown
    assert f'<html\n\tlang="{language.code}" dir="{language.direction}"' in page
    assert f"<title>{language.translate(words.TITLE)}</title>" in page
    for foreign in ("og:", "twitter:", "githubusercontent", "Click to try out the app"):
        assert foreign not in page.partition("window.gradio_config")[0]


def test_while_gradio_is_on_its_way_there_is_something_to_read(served: Served, page: Page) -> None:
    held: list[Route] = []
    page.route("**/assets/**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright asks for a function
    page.goto(served.address, wait_until="commit")
    heading = page.get_by_role("heading", name=words.TITLE)
    expect(heading).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("This is not a diagnosis.")).to_be_visible()
    assert held
    page.unroute("**/assets/**")  # lets those go that were held
    expect(page.get_by_role("button", name=words.CONSENT_BUTTON)).to_be_visible(timeout=PATIENCE)
    expect(heading).to_have_count(1)
    expect(page.locator("#first-words")).to_have_count(0)


@pytest.mark.parametrize("path", ["", "ar"])
def test_the_page_can_be_installed(served: Served, tmp_path: Path, path: str) -> None:
    needs(CHROMIUM.exists(), "Debian's chromium")
    with sync_playwright() as playwright:
        # Not in a context as the other tests': those are incognito, where nothing can be installed.
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=str(CHROMIUM), args=FLAGS, locale="en-GB"
        )
        page = context.new_page()
        page.goto(served.address + path)
        expect(page.locator("button.primary").first).to_be_visible(timeout=PATIENCE)
        browser = context.new_cdp_session(page)
        found = browser.send("Page.getAppManifest")
        assert found["url"].startswith(f"{served.address}manifest.webmanifest")
        assert found["errors"] == []
        parsed = found["manifest"]
        assert parsed["startUrl"] == served.address + (path or "?lang=en")
        assert parsed["scope"] == served.address
        assert browser.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
        context.close()


def test_every_icon_of_the_manifest_is_there_and_of_its_size(served: Served) -> None:
    with httpx.Client(base_url=served.address) as client:
        answer = client.get("manifest.webmanifest", params={"lang": "ar"})
        assert answer.headers["content-type"] == "application/manifest+json"
        told = answer.json()
        assert (told["lang"], told["dir"], told["display"]) == ("ar", "rtl", "standalone")
        for icon in told["icons"]:
            width, height = (int.from_bytes(client.get(icon["src"]).content[at : at + 4]) for at in (16, 20))
            assert f"{width}x{height}" == icon["sizes"]


def test_the_first_load_brings_little_beside_gradio(served: Served, page: Page) -> None:
    weights = weighed(page.context.new_cdp_session(page))
    page.goto(served.address)
    expect(page.get_by_role("button", name=words.CONSENT_BUTTON)).to_be_visible(timeout=PATIENCE)
    gradio = {url: size for url, size in weights.items() if any(part in url for part in GRADIO)}
    ours = {url: size for url, size in weights.items() if url not in gradio}
    print(f"\nGradio's own: {sum(gradio.values()) / 1e6:.2f} MB in {len(gradio)} files; ours: {ours}")
    assert gradio
    assert 0 < sum(ours.values()) < OUR_WEIGHT
    assert all(url.startswith(served.address) for url in weights)


@pytest.mark.parametrize("path", ["?lang=en", "hi", "theme.css", "files/leaflet/leaflet.js"])
def test_what_is_text_comes_compressed(served: Served, path: str) -> None:
    answer = httpx.get(served.address + path, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"


def weighed(browser: CDPSession) -> dict[str, float]:
    """Bytes over the line by address, filled while the page loads."""
    addresses: dict[str, str] = {}
    weights: dict[str, float] = {}

    def finished(event: dict[str, Any]) -> None:
        address = addresses.get(event["requestId"], "")
        weights[address] = weights.get(address, 0) + event["encodedDataLength"]

    browser.on(
        "Network.responseReceived", lambda event: addresses.update({event["requestId"]: event["response"]["url"]})
    )
    browser.on("Network.loadingFinished", finished)
    browser.send("Network.enable")
    return weights
