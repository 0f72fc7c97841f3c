"""Outlines in a real browser: corrected by pointer and by keyboard, a scale set by two clicks, growth measured."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from bench.warps import grown_middle, warped
from core.demo.lesion_images import draw_lesion
from core.records import outlines
from core.records.actor import Actor
from core.records.terms import Role
from core.vision.outline import fill
from core.workspace import Workspace
from tests.browser import Visitor
from tests.charts import PASSWORD, Charts, lesion_file
from tests.everything import all_rows
from tests.server import Server, clinic


def test_an_outline_is_corrected_and_a_scale_set(tmp_path: Path, visitor: Callable[[Server], Visitor]) -> None:
    here = clinic(tmp_path / "home")
    charts = charts_of(here)
    actor = charts.actor
    patient = charts.patient()
    lesion = charts.lesion(patient)
    image = charts.image(charts.visit(patient), lesion, lesion_file(5, size=256))
    server = Server(tmp_path / "home")
    try:
        server.start()
        desk = visitor(server)
        page = desk.page
        desk.sign_in(actor.name, PASSWORD)
        desk.open(f"/lesion?id={lesion.id}")
        page.get_by_text("Outline and measure", exact=True).click()
        expect(page.get_by_role("img", name="The lesion's outline over the image")).to_be_visible()
        page.get_by_text("Correct the outline").click()
        editor = page.get_by_role("application", name="Outline of the lesion")
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        drag_chosen(editor, by=(-40, 0))
        editor.press("PageDown")
        editor.press("Shift+ArrowLeft")
        page.get_by_role("button", name="Save the outline").click()
        expect(page.get_by_text("Outlined by Test Clinician")).to_be_visible()
        network, corrected = all_rows(here.database)["outline"]
        assert (corrected["user_id"], corrected["supersedes_id"]) == (actor.user_id, network["id"])
        assert corrected["measures"]["area"] != network["measures"]["area"]
        page.get_by_text("Set the scale").first.click()
        marks = page.get_by_role("application", name="Image on which to mark")
        box = marks.bounding_box()
        assert box is not None
        marks.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.5})
        marks.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.5})
        page.get_by_role("button", name="Set the scale").last.click()
        expect(page.get_by_text("mm per pixel.")).to_be_visible()
        (entry,) = outlines.measures_of_lesion(here.database, actor, lesion_id=lesion.id)
        # Half of 256 pixels were said to be 10 mm.
        assert entry.mm_per_pixel is not None
        assert abs(entry.mm_per_pixel - 10 / 128) < 0.002
        assert entry.image.id == image.id
    finally:
        server.stop()


GROWTH = 1.2


def test_growth_is_measured_though_the_later_image_is_turned_and_smaller(
    tmp_path: Path, visitor: Callable[[Server], Visitor]
) -> None:
    here = clinic(tmp_path / "home")
    charts = charts_of(here)
    patient = charts.patient()
    lesion = charts.lesion(patient)
    drawn = draw_lesion(seed=6, size=384)
    later = warped(drawn, np.random.default_rng(6), growth=GROWTH)
    assert abs(later.turn) > 10 and later.scale < 0.95
    for days_ago, picture in ((90, drawn), (0, later.picture)):
        charts.image(charts.visit(patient, days_ago=days_ago), lesion, as_png(picture))
    server = Server(tmp_path / "home")
    try:
        server.start()
        desk = visitor(server)
        page = desk.page
        desk.sign_in(charts.actor.name, PASSWORD)
        desk.open(f"/lesion?id={lesion.id}")
        page.get_by_text("Outline and measure", exact=True).click()
        page.get_by_role("button", name="Outline the other image").click()
        # The table is drawn on a canvas; its cells stand beside it for those who cannot see.
        told = page.get_by_role("gridcell", name=re.compile(r"px² ± .* · changed$"), include_hidden=True)
        expect(told).to_be_attached()
        added = float((told.text_content() or "").split(" px²")[0].lstrip("+").replace(",", ""))
        first, _ = outlines.measures_of_lesion(here.database, charts.actor, lesion_id=lesion.id)
        assert first.outline is not None
        before = fill(first.outline.polygon, size=drawn.size)
        after = grown_middle(np.dstack([before.astype(np.uint8) * 255] * 3), GROWTH)[..., 0] > 127
        assert (before.sum() + added) / before.sum() == pytest.approx(after.sum() / before.sum(), rel=0.05)
        # Without the alignment nothing carries a length from one image to the other.
        page.get_by_text("Align the images").click()
        expect(page.get_by_text("Sizes compare only where")).to_be_visible()
        expect(told).to_have_count(0)
    finally:
        server.stop()


def charts_of(workspace: Workspace) -> Charts:
    (account,) = [row for row in all_rows(workspace.database)["user_account"] if row["role"] == Role.CLINICIAN]
    actor = Actor(user_id=account["id"], name=account["name"], role=Role.CLINICIAN, address="192.0.2.7")
    return Charts(workspace.database, actor, workspace.intake)


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def drag_chosen(editor: Locator, *, by: tuple[float, float]) -> None:
    """Drag the chosen point with the mouse."""
    editor.scroll_into_view_if_needed()
    box = editor.locator(".point.chosen").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = editor.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + by[0], y + by[1], steps=4)
    mouse.up()
