"""Lesions on the body map: placed, moved, in a state, and as they were on a day."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from core.body_map import Place
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.records import audit, body_map, clock, lesions
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.tables import StateOfLesion
from core.records.terms import BodySite, BodyView, Laterality, LesionState
from tests.charts import Charts
from tests.everything import all_rows

CHEST = Place(BodyView.FRONT, 0.6, 0.25)


def place(database: Database, actor: Actor, lesion_id: int, **changes: Any) -> None:
    arguments = {"place": CHEST, "region": "front-chest-left", **changes}
    body_map.place_lesion(database, actor, lesion_id=lesion_id, **arguments)


def mapped(database: Database, patient_id: int, **more: Any) -> list[tuple[str, str]]:
    found = body_map.map_of(database, OPERATOR, patient_id=patient_id, **more)
    return [(one.lesion.label, one.state) for one in found]


def test_a_lesion_is_added_with_its_place_or_placed_later(database: Database, charts: Charts, staff: Actor) -> None:
    patient = charts.patient()
    first, second = charts.lesion(patient, place=CHEST), charts.lesion(patient, laterality=Laterality.LEFT)
    assert (first.map_view, first.map_x, first.map_y) == (BodyView.FRONT, 0.6, 0.25)
    assert second.map_view is None
    place(database, staff, second.id)
    again = lesions.get_lesion(database, staff, lesion_id=second.id)
    assert (again.map_view, again.map_x, again.map_y) == (BodyView.FRONT, 0.6, 0.25)
    place(database, staff, second.id, place=Place(BodyView.BACK, 0.0, 1.0), region="back-upper-back-left")
    moved = lesions.get_lesion(database, staff, lesion_id=second.id)
    assert (moved.map_view, moved.map_x, moved.map_y) == (BodyView.BACK, 0.0, 1.0)
    assert len(audit.search_audit(database, OPERATOR, action="lesion.place")) == 2


@pytest.mark.parametrize("region", ["front-forearm-left", "front-chest-right", "front-genital-region-midline"])
def test_a_place_that_contradicts_the_record_needs_somebody_to_look(
    database: Database, charts: Charts, staff: Actor, region: str
) -> None:
    lesion = charts.lesion(charts.patient(), laterality=Laterality.LEFT)
    before = all_rows(database)
    with pytest.raises(Conflict, match=r"L1 is recorded as Trunk, left\. The place chosen is "):
        place(database, staff, lesion.id, region=region)
    assert all_rows(database) == before
    place(database, staff, lesion.id, region=region, although_elsewhere=True)
    again = lesions.get_lesion(database, staff, lesion_id=lesion.id)
    assert (again.map_view, again.body_site, again.laterality) == (BodyView.FRONT, BodySite.TRUNK, "left")


@pytest.mark.parametrize("side", [None, Laterality.MIDLINE, Laterality.LEFT])
def test_a_side_that_is_not_the_opposite_is_no_contradiction(
    database: Database, charts: Charts, staff: Actor, side: Laterality | None
) -> None:
    place(database, staff, charts.lesion(charts.patient(), laterality=side).id)


@pytest.mark.parametrize(
    "changes",
    [
        {"place": Place(BodyView.FRONT, 1.01, 0.5)},
        {"place": Place(BodyView.FRONT, 0.5, -0.01)},
        {"place": Place(BodyView.FRONT, float("nan"), 0.5)},
        {"place": Place(BodyView.BACK, 0.5, 0.5)},
        {"region": "front-tail-left"},
    ],
)
def test_a_place_that_is_none_is_refused(
    database: Database, charts: Charts, staff: Actor, changes: dict[str, Any]
) -> None:
    patient = charts.patient()
    lesion = charts.lesion(patient)
    before = all_rows(database)
    with pytest.raises(Invalid):
        place(database, staff, lesion.id, **changes)
    with pytest.raises(NotFound):
        place(database, staff, 99)
    with pytest.raises(Invalid):
        charts.lesion(patient, place=Place(BodyView.FRONT, 2.0, 0.5))
    assert all_rows(database) == before


def test_a_lesion_is_new_until_a_clinician_says_otherwise(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    patient, _, lesion, _ = charts.filled()
    assert mapped(database, patient.id) == [("L1", "new")]
    with pytest.raises(NotAllowed):
        body_map.set_state(database, staff, lesion_id=lesion.id, state=LesionState.EXCISED)
    for state in (LesionState.WATCHED, LesionState.SUSPICIOUS, LesionState.NEW):
        body_map.set_state(database, clinician, lesion_id=lesion.id, state=state)
        assert mapped(database, patient.id) == [("L1", state)]
    with pytest.raises(Conflict, match="L1 is new already"):
        body_map.set_state(database, clinician, lesion_id=lesion.id, state=LesionState.NEW)
    with pytest.raises(NotFound):
        body_map.set_state(database, clinician, lesion_id=99, state=LesionState.NEW)
    said = body_map.states_of(database, staff, lesion_id=lesion.id)
    assert [row.state for row in said] == ["new", "suspicious", "watched"]
    assert {row.user.full_name for row in said} == {"Test Clinician"}
    assert len(audit.search_audit(database, OPERATOR, action="lesion.state")) == 3


def test_the_map_of_a_past_day_shows_what_was_known_then(database: Database, charts: Charts, clinician: Actor) -> None:
    """L1 was photographed 90 days ago, watched 60 days ago, excised 30 days ago; L2 was added today."""
    patient = charts.patient()
    first = charts.lesion(patient)
    charts.image(charts.visit(patient, days_ago=90), first)
    charts.lesion(patient)
    other = charts.lesion(charts.patient())
    with database.writing() as session:
        for days, lesion, state in ((60, first, "watched"), (30, first, "excised"), (45, other, "suspicious")):
            row = {"lesion_id": lesion.id, "state": LesionState(state), "user_id": clinician.user_id}
            session.execute(insert(StateOfLesion).values(**row, at=clock.now() - timedelta(days=days)))
    today = clock.today()
    expected = {
        91: [],
        90: [("L1", "new")],
        61: [("L1", "new")],
        60: [("L1", "watched")],
        31: [("L1", "watched")],
        30: [("L1", "excised")],
        1: [("L1", "excised")],
        0: [("L1", "excised"), ("L2", "new")],
    }
    shown = {days: mapped(database, patient.id, as_of=today - timedelta(days=days)) for days in expected}
    assert shown == expected
    assert mapped(database, patient.id) == expected[0]
