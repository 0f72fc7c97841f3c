"""The body map in a real browser: place a lesion by clicking, see its pin, open it by keyboard."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from core.records import body_map, clock, lesions, patients
from core.records.actor import OPERATOR
from core.records.terms import BodySite, Laterality
from core.workspace import Workspace
from tests.browser import Visitor
from tests.charts import DETAILS, PASSWORD
from tests.hands import body, click_body, pin
from tests.server import Server


def test_a_lesion_is_placed_by_a_click_and_opened_by_keyboard(
    server: Server, workspace: Workspace, visitor: Callable[[Server], Visitor]
) -> None:
    patient = patients.register_patient(workspace.database, OPERATOR, details=DETAILS)
    one = visitor(server)
    one.sign_in("clinician", PASSWORD)
    one.open(f"/patient?id={patient.id}")
    page = one.page
    # The patient's left is at the viewer's right on the front of the body.
    click_body(page, "front", x=0.59, y=0.24)
    expect(page.get_by_text("Place: Chest, left")).to_be_visible()
    expect(value(page, "Body site")).to_have_value("Trunk")
    expect(value(page, "Side")).to_have_value("left")
    page.get_by_role("button", name="Add lesion").click()
    expect(pin(page, "L1, Trunk, left, new")).to_be_visible()
    (added,) = lesions.list_lesions(workspace.database, OPERATOR, patient_id=patient.id)
    assert (added.body_site, added.laterality, added.map_view) == (BodySite.TRUNK, Laterality.LEFT, "front")
    assert (added.map_x, added.map_y) == (pytest.approx(0.59, abs=0.01), pytest.approx(0.24, abs=0.01))

    # On the back it is at the viewer's left; and there the crosshair goes by keyboard.
    page.get_by_role("tab", name="Back").click()
    body(page, "back").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator(".where")).to_have_text("Upper back, left")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Place: Upper back, left")).to_be_visible()
    page.get_by_role("button", name="Add lesion").click()
    expect(pin(page, "L2, Trunk, left, new")).to_be_visible()

    # Nothing was known a week ago.
    assert (
        body_map.map_of(workspace.database, OPERATOR, patient_id=patient.id, as_of=clock.today() - timedelta(days=7))
        == []
    )
    pin(page, "L2, Trunk, left, new").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Lesion L2 · Trunk, left")).to_be_visible()


def value(page: Page, label: str) -> Locator:
    return page.get_by_role("combobox", name=label)
