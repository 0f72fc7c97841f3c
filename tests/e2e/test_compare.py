"""Two images of a lesion compared in a real browser: aligned, and moved by keyboard."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from bench.warps import warped
from core.demo.lesion_images import draw_lesion
from core.records import users
from core.records.actor import OPERATOR, Actor
from core.records.terms import Role
from core.workspace import Workspace
from tests.browser import Visitor
from tests.charts import PASSWORD, Charts
from tests.server import Server, clinic


def test_two_images_lie_over_each_other_and_the_keyboard_moves_what_shows(
    tmp_path: Path, visitor: Callable[[Server], Visitor]
) -> None:
    home = tmp_path / "home"
    aligned, refused = lesions_with_two_images(clinic(home))
    server = Server(home)
    server.start()
    try:
        person = visitor(server)
        person.sign_in("clinician", PASSWORD)
        person.open(f"/lesion?id={aligned}")
        page = person.page
        page.get_by_role("button", name="Compare two images").click()
        expect(page.get_by_role("heading", name="Compare · Lesion L1")).to_be_visible()
        expect(page.get_by_text(re.compile(r"Aligned by the skin · quality of the fit 0\.\d\d"))).to_be_visible()
        move_the_divider(page)
        see_that_the_fit_is_right(page)
        zoom(page)
        switch_heat_maps_on(page)
        see_both_beside_each_other(page)
        person.open(f"/compare?id={refused}")
        see_no_false_alignment(page)
    finally:
        server.kill()


def lesions_with_two_images(workspace: Workspace) -> tuple[int, int]:
    """A lesion photographed again, turned and larger, in other light; and one whose images show two different ones."""
    (account,) = [user for user in users.list_users(workspace.database, OPERATOR) if user.role is Role.CLINICIAN]
    actor = Actor(user_id=account.id, name=account.name, role=account.role, address="192.0.2.7")
    charts = Charts(workspace.database, actor, workspace.intake)
    patient = charts.patient()
    before, now = charts.visit(patient, days_ago=90), charts.visit(patient)
    drawn = draw_lesion(seed=1, size=320)
    again = warped(drawn, np.random.default_rng(1)).picture
    pairs = ((drawn, again), (draw_lesion(seed=60, size=256), draw_lesion(seed=61, size=256)))
    ids = []
    for pair in pairs:
        lesion = charts.lesion(patient)
        for visit, picture in zip((before, now), pair, strict=True):
            file = io.BytesIO()
            picture.save(file, "PNG")
            charts.image(visit, lesion, file.getvalue())
        ids.append(lesion.id)
    return ids[0], ids[1]


def move_the_divider(page: Page) -> None:
    stage = page.get_by_role("group", name=re.compile("^Slider: "))
    expect(stage).to_be_visible()
    divider = page.get_by_role("slider", name="Divider")
    expect(divider).to_have_value("50")
    stage.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(divider).to_have_value("52")
    expect(stage.locator(".upper")).to_have_css("clip-path", "inset(0px 0px 0px 52%)")


def see_that_the_fit_is_right(page: Page) -> None:
    """With the divider at one end the first image shows, at the other the second: nearly the same picture."""
    stage = page.get_by_role("group", name=re.compile("^Slider: "))
    divider = page.get_by_role("slider", name="Divider")
    divider.fill("100")
    first = middle_of(stage.screenshot())
    divider.fill("0")
    second = middle_of(stage.screenshot())
    assert not np.array_equal(first, second)
    assert np.corrcoef(first, second)[0, 1] > 0.9


def middle_of(screenshot: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(screenshot)) as image:
        w, h = image.size
        # Beside the divider's grip, and away from what the second image does not show.
        part = image.convert("L").crop((round(0.3 * w), round(0.3 * h), round(0.7 * w), round(0.7 * h)))
        return np.asarray(part.resize((40, 40)), np.float64).ravel()


def zoom(page: Page) -> None:
    page.get_by_role("group", name=re.compile("^Slider: ")).focus()
    page.keyboard.press("+")
    expect(page.locator(".zoom")).to_have_text("140%")
    worlds = page.locator(".stage:not([hidden]) .world")
    first, second = (worlds.nth(which).evaluate("world => world.style.transform") for which in (0, 1))
    assert first == second and "scale(1.4)" in first
    page.keyboard.press("0")
    expect(page.locator(".zoom")).to_have_text("100%")


def switch_heat_maps_on(page: Page) -> None:
    plain = page.locator("#left img").first.get_attribute("src")
    page.get_by_role("button", name="Heat maps").click()
    expect(page.get_by_role("button", name="Heat maps")).to_have_attribute("aria-pressed", "true")
    assert page.locator("#left img").first.get_attribute("src") != plain


def see_both_beside_each_other(page: Page) -> None:
    page.get_by_role("radio", name="Slider").focus()
    for shown in ("Blink", "Overlay", "Difference", "Side by side"):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radio", name=shown)).to_have_attribute("aria-checked", "true")
    left, right = (page.locator(f"#{side}").bounding_box() for side in ("left", "right"))
    assert left and right and left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]


def see_no_false_alignment(page: Page) -> None:
    expect(page.get_by_text("These two images could not be aligned.")).to_be_visible()
    expect(page.get_by_role("radio")).to_have_text(["Side by side"])
    # Each stands upright in its own frame.
    for side in ("left", "right"):
        expect(page.locator(f"#{side} img").first).to_be_visible()
    shape = page.locator("#right img").evaluate("image => [...new DOMMatrix(image.style.transform).toFloat64Array()]")
    assert [shape[i] for i in (0, 1, 4, 5)] == [1, 0, 0, 1]
