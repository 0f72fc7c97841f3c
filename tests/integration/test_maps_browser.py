"""The clinic map in a real browser that has no internet."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect, sync_playwright

from core.clinics.directory import starting_list
from core.clinics.nearest import nearest
from dashboard import maps
from dashboard.maps import clinic_map

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


def test_outlines_clinics_and_cards_stand_without_internet(browser: Browser) -> None:
    chennai = (13.088, 80.278)
    clinics = [replace(clinic, website="https://clinic.example") for clinic in starting_list()]
    found = nearest(clinics, latitude=chennai[0], longitude=chennai[1], limit=4)
    canvas = clinic_map(clinics, origin=chennai, nearest=found)
    outside, problems = [], []

    def answer(route: Route) -> None:
        address = route.request.url
        if address == "http://clinic.test/":
            route.fulfill(body=canvas.get_root().render(), content_type="text/html; charset=utf-8")
        elif address.startswith("http://clinic.test/app/static/"):
            route.fulfill(path=Path(maps.__file__).parent / "static" / address.partition("/app/static/")[2])
        else:
            outside.append(address)
            route.abort()

    page = browser.new_page(viewport={"width": 800, "height": 600})
    page.route("**/*", answer)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("http://clinic.test/")

    expect(page.locator(".clinic-legend")).to_contain_text("Cancer centre")
    expect(page.locator(".clinic-number")).to_have_count(len({(n.clinic.latitude, n.clinic.longitude) for n in found}))
    outlines = page.locator(".leaflet-outlines-pane canvas")
    expect(outlines).to_be_visible()
    # Land and sea: more than one colour was painted.
    page.wait_for_function(
        "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.buffer)).size > 1",
        arg=outlines.element_handle(),
    )
    page.locator(".clinic-number").get_by_text("2", exact=True).click()
    expect(page.locator(".leaflet-popup-content")).to_contain_text(found[1].clinic.name)
    expect(page.get_by_role("link", name="Website")).to_have_attribute("href", "https://clinic.example")
    assert problems == []
    assert all(address.startswith("https://tile.openstreetmap.org/") for address in outside)
