"""One lesion from the first click to what leaves the clinic: placed, photographed twice, measured, reported."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest
from fhir.resources.bundle import Bundle
from PIL import Image
from playwright.sync_api import Page, expect
from pydicom.uid import DermoscopicPhotographyImageStorage  # type: ignore[attr-defined]
from pypdf import PdfReader

from bench.warps import grown_middle, warped
from core.demo.lesion_images import draw_lesion
from core.records import outlines
from core.records.actor import OPERATOR
from core.vision.outline import fill
from core.workspace import Workspace
from tests.browser import Visitor
from tests.charts import PASSWORD
from tests.everything import all_rows
from tests.hands import choose, click_body, download, enter_date, field, open_menu, pin, upload
from tests.server import Server, clinic

GROWTH = 1.2
"""In diameter, from the first image to the second."""


def test_a_lesion_is_placed_followed_measured_and_reported(
    tmp_path: Path, visitor: Callable[[Server], Visitor]
) -> None:
    here = clinic(tmp_path / "home")
    first = draw_lesion(seed=6, size=384)
    later = warped(first, np.random.default_rng(6), growth=GROWTH)
    assert abs(later.turn) > 10
    assert later.scale < 0.95
    server = Server(tmp_path / "home")
    try:
        server.start()
        desk = visitor(server)
        page = desk.page
        desk.sign_in("clinician", PASSWORD)
        register(page)
        place_lesion(page)
        log_visit(page, days_ago=90)
        take_image(page, "first.png", first)
        page.get_by_role("link", name="Meera Iyer").first.click()
        log_visit(page, days_ago=0)
        take_image(page, "later.png", later.picture)

        page.get_by_role("link", name="L1 through time").first.click()
        expect(page.get_by_role("heading", name="Lesion L1 · Trunk, left")).to_be_visible()
        growth = measure(page)
        assert growth == pytest.approx(true_growth(here, first), rel=0.05)
        text, pictures = printed(download_report(page))
        for words in ("Meera Iyer", "No. 4711", "Lesion L1 · Trunk, left", "Signature"):
            assert words in text
        assert any(alike(picture, first) for picture in pictures)

        compare(page)
        page.get_by_role("link", name="Meera Iyer").first.click()
        see_what_leaves(page, here)
    finally:
        server.kill()


def register(page: Page) -> None:
    open_menu(page, "Register")
    page.get_by_label("Name", exact=True).fill("Meera Iyer")
    field(page, "Record number").fill("4711")
    enter_date(page, "Date of birth", "1961-04-23")
    choose(page, "Sex", "Female")
    page.get_by_text("The patient consents to photographs").click()
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.locator(".st-key-banner")).to_contain_text("Meera Iyer")


def place_lesion(page: Page) -> None:
    """The patient's left is at the viewer's right on the front of the body."""
    click_body(page, "front", x=0.59, y=0.24)
    expect(page.get_by_text("Place: Chest, left")).to_be_visible()
    page.get_by_role("button", name="Add lesion").click()
    expect(pin(page, "L1, Trunk, left, new")).to_be_visible()


def log_visit(page: Page, *, days_ago: int) -> None:
    page.get_by_role("tab", name="Visits").click()
    form = page.get_by_role("button", name="Log visit")
    if not form.is_visible():
        page.get_by_text("Log a visit").click()
    if days_ago:
        enter_date(page, "Date", (date.today() - timedelta(days=days_ago)).isoformat())
    field(page, "Reason").fill("Changing mole")
    form.click()
    expect(page.get_by_role("heading", name="Visit of")).to_be_visible()
    expect(page.get_by_text("No image yet.")).to_be_visible()


def take_image(page: Page, name: str, picture: Image.Image) -> None:
    file = io.BytesIO()
    picture.save(file, "PNG")
    upload(page, name, file.getvalue())
    expect(page.get_by_text("1 image added and read.")).to_be_visible()


def measure(page: Page) -> float:
    """Outline both images; how large the later lesion is, as the table of changes tells it: 1 is as large as before."""
    page.get_by_text("Outline and measure", exact=True).click()
    page.get_by_role("button", name="Outline the other image").click()
    # The table is drawn on a canvas; its cells stand beside it for those who cannot see.
    told = page.get_by_role("gridcell", name=re.compile(r"px² ± .* · changed$"), include_hidden=True)
    expect(told).to_be_attached()
    percent = re.search(r"\(([+-][\d.]+)%\)", told.text_content() or "")
    assert percent
    return 1 + float(percent[1]) / 100


def true_growth(here: Workspace, first: Image.Image) -> float:
    """By how much what lies within the first outline was enlarged before the second image was made."""
    (lesion,) = all_rows(here.database)["lesion"]
    entry, _ = outlines.measures_of_lesion(here.database, OPERATOR, lesion_id=lesion["id"])
    assert entry.outline is not None
    before = fill(entry.outline.polygon, size=first.size)
    after = grown_middle(np.dstack([before.astype(np.uint8) * 255] * 3), GROWTH)[..., 0] > 127
    return float(after.sum() / before.sum())


def download_report(page: Page) -> bytes:
    page.get_by_text("Report (PDF)").click()
    return download(page, "Prepare report", "lesion-1.pdf")


def printed(data: bytes) -> tuple[str, list[Image.Image]]:
    pages = PdfReader(io.BytesIO(data)).pages
    text = " ".join(" ".join(one.extract_text() for one in pages).split())
    return text, [picture.image for one in pages for picture in one.images if picture.image is not None]


def alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures show the same, whatever their size."""
    if abs(one.width / one.height - other.width / other.height) > 0.02:
        return False
    small = [np.asarray(picture.convert("L").resize((64, 64)), dtype=float) for picture in (one, other)]
    return float(np.abs(small[0] - small[1]).mean()) < 4


def compare(page: Page) -> None:
    page.get_by_role("button", name="Compare two images").click()
    expect(page.get_by_text(re.compile(r"Aligned by the skin · quality of the fit 0\.\d\d"))).to_be_visible()
    expect(page.get_by_role("group", name=re.compile("^Slider: "))).to_be_visible()
    expect(page.get_by_role("slider", name="Divider")).to_have_value("50")


def see_what_leaves(page: Page, here: Workspace) -> None:
    """FHIR and DICOM, each read by its own library."""
    page.get_by_role("tab", name="Export").click()
    choose(page, "Form", "For another clinic’s software (FHIR R5)")
    bundle = download(page, "Prepare export", "patient-1.json")
    Bundle.model_validate_json(bundle)
    kinds = [entry["resource"]["resourceType"] for entry in json.loads(bundle)["entry"]]
    assert {kind: kinds.count(kind) for kind in ("Patient", "Encounter", "BodyStructure", "RiskAssessment")} == {
        "Patient": 1,
        "Encounter": 2,
        "BodyStructure": 1,
        "RiskAssessment": 2,
    }
    choose(page, "Form", "Images for a PACS (DICOM)")
    archived = download(page, "Prepare export", "patient-1.dicom.zip")
    with zipfile.ZipFile(io.BytesIO(archived)) as archive:
        objects = [pydicom.dcmread(archive.open(name)) for name in sorted(archive.namelist())]
    assert {one.SOPClassUID for one in objects} == {DermoscopicPhotographyImageStorage}
    images = sorted(all_rows(here.database)["image"], key=lambda row: row["id"])
    kept = [np.asarray(Image.open(io.BytesIO(here.images.get(row["sha256"]))).convert("RGB")) for row in images]
    assert [one.pixel_array.shape for one in objects] == [pixels.shape for pixels in kept]
    assert all(np.array_equal(one.pixel_array, pixels) for one, pixels in zip(objects, kept, strict=True))
