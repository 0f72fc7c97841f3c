"""A clinic's first day in a real browser, from the one-time code to the evening after a power cut."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urljoin

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from core import taxonomy
from tests.browser import Visitor
from tests.charts import lesion_file
from tests.hands import choose, enter_date, field, open_menu, upload
from tests.server import Server

ADMINISTRATOR = ("ada", "a long walk in the rain")
CLINICIAN = ("clara", "seven small grey boats")
NOTHING_WENT_WRONG = ("Traceback", "Error:", "Uncaught app", "Exception")


def test_a_day_at_the_clinic(tmp_path: Path, visitor: Callable[[Server], Visitor]) -> None:
    server = Server(tmp_path / "home")
    server.start()
    try:
        desk = visitor(server)
        page = desk.page
        make_first_administrator(desk, server)
        add_clinician(page)
        sign_out(page)

        desk.sign_in(*CLINICIAN)
        expect(page.get_by_role("link", name="Accounts")).to_have_count(0)
        register(page, name="Meera Iyer", number="4711", born="1961-04-23")
        log_visit(page, reason="Changing mole")
        add_lesion(page, site="Trunk", side="left", description="below the shoulder blade")
        upload(page, "first.png", lesion_file(1, size=256))
        expect(page.get_by_text("1 image added and read.")).to_be_visible()
        see_reading(page)
        refuse_broken_file(page)
        upload(page, "second.png", lesion_file(1, size=256, visit=1))
        expect(page.get_by_text("L1 · Trunk, left · Dermoscopic")).to_have_count(2)

        page.get_by_role("link", name="L1 through time").first.click()
        expect(page.get_by_role("heading", name="Lesion L1 · Trunk, left")).to_be_visible()
        expect(page.get_by_text("No clinician has recorded a diagnosis yet.")).to_be_visible()
        see_timeline(page)
        record_diagnosis(page)
        due = set_recall(page, days=7)
        open_menu(page, "Home")
        expect(page.get_by_text("due in 7 days")).to_be_visible()
        expect(page.get_by_text("Every reading has been reviewed.")).to_be_visible()

        edit_phone(page, patient="Meera Iyer", phone="+44 20 7946 0958")

        register(page, name="Jakub Nowak", number="4712", born="1987-11-02")
        log_visit(page, reason="Skin check")
        add_lesion(page, site="Head and neck", side="right", description="temple")
        refuse_image_of_another(page, lesion_file(1, size=256), owner="Meera Iyer · No. 4711")

        chart = page.url.removeprefix(server.url)
        sign_out(page)
        stay_outside(desk, chart)

        server.kill()
        server.start()
        desk.sign_in(*CLINICIAN)
        find_everything_again(page, due)
    finally:
        server.kill()


def make_first_administrator(desk: Visitor, server: Server) -> None:
    desk.open("/")
    page = desk.page
    expect(page.get_by_role("heading", name="Make the first administrator")).to_be_visible()
    for label, text in (
        ("One-time code", server.one_time_code),
        ("Full name", "Ada Okafor"),
        ("Sign-in name", ADMINISTRATOR[0]),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("Password", exact=True).fill(ADMINISTRATOR[1])
    page.get_by_label("Password again").fill(ADMINISTRATOR[1])
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    expect(page.get_by_text("No visit yet today. Find the patient and log one.")).to_be_visible()


def add_clinician(page: Page) -> None:
    open_menu(page, "Accounts")
    field(page, "Full name").fill("Dr Clara Moreau")
    field(page, "Sign-in name").fill(CLINICIAN[0])
    choose(page, "Role", "Clinician")
    page.get_by_label("First password").fill(CLINICIAN[1])
    page.get_by_role("button", name="Add account").click()
    expect(page.get_by_text("The account is added.")).to_be_visible()
    expect(page.get_by_text("Dr Clara Moreau")).to_be_visible()


def register(page: Page, *, name: str, number: str, born: str) -> None:
    open_menu(page, "Register")
    page.get_by_label("Name", exact=True).fill(name)
    field(page, "Record number").fill(number)
    enter_date(page, "Date of birth", born)
    choose(page, "Sex", "Female")
    page.get_by_text("The patient consents to photographs").click()
    page.get_by_role("button", name="Register", exact=True).click()
    banner = page.locator(".st-key-banner")
    expect(banner).to_contain_text(name)
    expect(banner).to_contain_text(f"No. {number}")
    expect(banner).to_contain_text("Photo consent")


def log_visit(page: Page, *, reason: str) -> None:
    page.get_by_role("tab", name="Visits").click()
    field(page, "Reason").fill(reason)
    page.get_by_role("button", name="Log visit").click()
    expect(page.get_by_role("heading", name="Visit of")).to_be_visible()
    expect(page.get_by_text(f"{reason} · Seen by Dr Clara Moreau")).to_be_visible()
    expect(page.get_by_text("No image yet.")).to_be_visible()


def add_lesion(page: Page, *, site: str, side: str, description: str) -> None:
    choose(page, "Body site", site)
    choose(page, "Side", side)
    field(page, "Description").fill(description)
    page.get_by_role("button", name="Add lesion").click()
    expect(page.get_by_text("L1 is added.")).to_be_visible()


def see_reading(page: Page) -> None:
    """The nine classes, the words around them, and a heat map that does what its controls say."""
    texts = chart_texts(page)
    names, percents = texts[:9], [float(text.rstrip("%")) for text in texts[9:]]
    assert sorted(names) == sorted(term.title for term in taxonomy.TERMS)
    assert percents == sorted(percents, reverse=True)
    assert abs(sum(percents) - 100) < 1
    expect(page.get_by_text("supports the clinician and does not replace them")).to_be_visible()
    expect(page.get_by_role("heading", name=f"{names[0]} · {percents[0]:.0f}%")).to_be_visible()

    at_first = picture(page)
    page.get_by_role("slider", name="Opacity").press("Home")
    plain = changed_picture(page, at_first)
    page.get_by_role("slider", name="Opacity").press("End")
    strongest = changed_picture(page, plain)
    assert 0 < difference(plain, at_first) < difference(plain, strongest)
    choose(page, "Heat map of", names[1])
    of_second = changed_picture(page, strongest)
    assert difference(of_second, strongest) > 1


def refuse_broken_file(page: Page) -> None:
    upload(page, "torn.png", lesion_file(1, size=256)[:4000])
    expect(page.get_by_role("alert").filter(has_text="torn.png:")).to_be_visible()
    nothing_broke(page)
    expect(page.get_by_text("L1 · Trunk, left · Dermoscopic")).to_have_count(1)


def see_timeline(page: Page) -> None:
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart").first
    expect(chart.get_by_text("malignant or precancerous", exact=True)).to_be_visible()
    # Both images are of one visit: the strip has room for the newest, the curve has a point for each.
    expect(chart.locator("g.mark-image image")).to_have_count(1)
    expect(page.get_by_text("The strip shows 1 of 2 images")).to_be_visible()
    expect(chart.locator("g.mark-symbol.layer_1_layer_1_marks path")).to_have_count(2)


def record_diagnosis(page: Page) -> None:
    choose(page, "Diagnosis", "Nevus")
    field(page, "Notes").fill("Regular network.")
    page.get_by_role("button", name="Record diagnosis").click()
    expect(page.get_by_text("Diagnosis: nevus")).to_be_visible()
    expect(page.get_by_text("Dr Clara Moreau,")).to_be_visible()


def set_recall(page: Page, *, days: int) -> str:
    """Set a recall on a date; how the page writes it."""
    due = date.today() + timedelta(days=days)
    choose(page, "Look again", "on a date")
    enter_date(page, "Date", due.isoformat())
    field(page, "Reason").fill("Compare")
    page.get_by_role("button", name="Set recall").click()
    written = f"Due {due:%-d %b %Y}"
    expect(page.get_by_text(written)).to_be_visible()
    return written


def edit_phone(page: Page, *, patient: str, phone: str) -> None:
    open_menu(page, "Patients")
    page.get_by_label("Find a patient").fill(patient[:4])
    expect(page.get_by_text("1 found")).to_be_visible()
    page.get_by_role("link", name=patient).click()
    page.get_by_role("tab", name="Details").click()
    page.get_by_role("button", name="Edit details").click()
    field(page, "Phone").fill(phone)
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("The changes are saved.")).to_be_visible()
    page.get_by_role("tab", name="History of changes").click()
    # The table is drawn on a canvas; its cells stand beside it for those who cannot see.
    for cell in ("clara", "phone", phone):
        expect(page.get_by_role("gridcell", name=cell, exact=True, include_hidden=True)).to_be_attached()


def refuse_image_of_another(page: Page, data: bytes, *, owner: str) -> None:
    upload(page, "mixed-up.png", data)
    expect(page.get_by_role("alert").filter(has_text="already in the chart of another patient")).to_be_visible()
    expect(page.get_by_role("link", name=owner)).to_be_visible()
    expect(page.get_by_text("No image yet.")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_text("No image yet.")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def stay_outside(desk: Visitor, chart: str) -> None:
    """Neither the browser's back button nor an address brings anything back."""
    page = desk.page
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    desk.open(chart)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Nowak")).to_have_count(0)


def find_everything_again(page: Page, due: str) -> None:
    expect(page.get_by_text("due in 7 days")).to_be_visible()
    page.get_by_role("link", name="Meera Iyer · L1").click()
    for text in ("Diagnosis: nevus", due, "below the shoulder blade"):
        expect(page.get_by_text(text)).to_be_visible()
    see_timeline(page)
    assert difference(picture(page), stored_picture()) > 0
    open_menu(page, "Patients")
    expect(page.get_by_role("link", name="Jakub Nowak")).to_be_visible()
    page.get_by_role("link", name="Meera Iyer").click()
    expect(page.get_by_text("2 images")).to_be_visible()
    expect(page.get_by_role("tab", name="Visits")).to_be_visible()
    page.get_by_role("tab", name="Visits").click()
    expect(page.get_by_text("Changing mole · Dr Clara Moreau")).to_be_visible()
    nothing_broke(page)


def stored_picture() -> Image.Image:
    with Image.open(io.BytesIO(lesion_file(1, size=256, visit=1))) as image:
        return image.convert("RGB")


def chart_texts(page: Page) -> list[str]:
    """What is written in the chart of the first reading, from top to bottom: the classes, then their probabilities."""
    texts = page.get_by_test_id("stVegaLiteChart").first.locator("svg text")
    expect(texts).to_have_count(18)
    return texts.all_text_contents()


def picture(page: Page) -> Image.Image:
    """The image with its heat map, as the page shows it now."""
    return _fetched(page, heat_map_of(page).get_attribute("src") or "")


def changed_picture(page: Page, before: Image.Image) -> Image.Image:
    """The same, once it is another."""
    source = before.info["source"]
    expect(heat_map_of(page)).not_to_have_attribute("src", source)
    return picture(page)


def heat_map_of(page: Page) -> Locator:
    return page.get_by_role("img", name="Heat map of").first


def _fetched(page: Page, source: str) -> Image.Image:
    answer = page.request.get(urljoin(page.url, source))
    assert answer.ok
    # The same address is nothing for somebody without a session.
    assert httpx.get(answer.url, trust_env=False).status_code == 401
    image = Image.open(io.BytesIO(answer.body())).convert("RGB")
    image.info["source"] = source
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures of one size, in levels of 0 to 255."""
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


def nothing_broke(page: Page) -> None:
    for words in NOTHING_WENT_WRONG:
        expect(page.get_by_text(words)).to_have_count(0)
