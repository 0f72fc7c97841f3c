"""What people do on a page of the dashboard: choose, type a date, upload, place a lesion, take a file away."""

import re
from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page, expect


def open_menu(page: Page, name: str) -> None:
    """Go to a page by the menu."""
    page.get_by_test_id("stHeader").get_by_role("link", name=name, exact=True).click()


def field(page: Page, label: str) -> Locator:
    """A text field by its label."""
    return page.get_by_role("textbox", name=label)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list."""
    box = page.get_by_role("combobox", name=label).first
    # Scrolling, or growing, the page closes a list that is open: first bring the box into sight, then open it.
    settled(page)
    box.hover()
    box.click()
    page.get_by_role("option", name=option, exact=True).click()


def settled(page: Page) -> None:
    """Wait until the page is whole."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def enter_date(page: Page, label: str, iso: str) -> None:
    """Type a date, as YYYY-MM-DD."""
    page.get_by_role("group", name=label, exact=True).get_by_role("spinbutton").first.click()
    page.keyboard.type(iso.replace("-", ""))
    page.keyboard.press("Escape")


def upload(page: Page, name: str, data: bytes) -> None:
    """Add a PNG file to the visit that is open, and have it read."""
    # While the page is drawn anew, the uploader of before may still be there.
    expect(page.locator("input[type=file]")).to_have_count(1)
    page.locator("input[type=file]").set_input_files(FilePayload(name=name, mimeType="image/png", buffer=data))
    page.get_by_role("button", name="Add and read").click()


def body(page: Page, view: str) -> Locator:
    """A drawing of the body map."""
    return page.locator(f".view[data-view={view}] > svg")


def click_body(page: Page, view: str, *, x: float, y: float) -> None:
    """Click at a place of the drawing, in 0..1 of its width and height."""
    drawing = body(page, view)
    expect(drawing).to_be_visible()
    # The drawing keeps its shape within the element, which may be wider.
    box = drawing.evaluate(
        "svg => { const m = svg.getScreenCTM(), v = svg.viewBox.baseVal, r = svg.getBoundingClientRect();"
        " return [m.e - r.x, m.f - r.y, m.a * v.width, m.d * v.height]; }"
    )
    drawing.click(position={"x": box[0] + x * box[2], "y": box[1] + y * box[3]})


def pin(page: Page, label: str) -> Locator:
    """A lesion on the body map, by the beginning of what is read out for it."""
    return page.get_by_role("link", name=re.compile(f"^{label}"))


def download(page: Page, prepare: str, name: str) -> bytes:
    """Have the file `name` made with the button called `prepare`, and take it away."""
    page.get_by_role("button", name=prepare).click()
    with page.expect_download() as arriving:
        page.get_by_role("button", name=f"Download {name}").click()
    return Path(arriving.value.path()).read_bytes()
