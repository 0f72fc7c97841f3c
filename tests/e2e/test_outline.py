"""A clinician corrects an outline in a real browser, by pointer and by keyboard, and sets the scale by two clicks."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect

from core.records import outlines
from core.records.actor import Actor
from core.records.terms import Role
from tests.browser import Visitor
from tests.charts import PASSWORD, Charts, lesion_file
from tests.everything import all_rows
from tests.server import Server, clinic


def test_an_outline_is_corrected_and_a_scale_set(tmp_path: Path, visitor: Callable[[Server], Visitor]) -> None:
    here = clinic(tmp_path / "home")
    (account,) = [row for row in all_rows(here.database)["user_account"] if row["role"] == Role.CLINICIAN]
    actor = Actor(user_id=account["id"], name=account["name"], role=Role.CLINICIAN, address="192.0.2.7")
    charts = Charts(here.database, actor, here.intake)
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
        page.get_by_text("Outline and measure").click()
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
