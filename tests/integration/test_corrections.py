"""Mistakes put right: a visit logged wrongly, an image added to the wrong lesion."""

from datetime import timedelta

import numpy as np
import pytest

from core.errors import Conflict, Invalid, NotFound
from core.records import audit, clock, comparisons, images, lesions, outlines, patients, similar, users, visits
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.workspace import Workspace
from tests.charts import Charts, lesion_file
from tests.everything import all_rows, fill_every_table
from tests.features import give_features


def history(database: Database, patient_id: int) -> list[tuple[str, str | None, str | None]]:
    """What the patient's history says, the oldest first."""
    found = patients.patient_history(database, OPERATOR, patient_id=patient_id)
    return [(change.field, change.before, change.after) for change in reversed(found)]


def test_a_visit_is_put_right_and_what_it_was_is_kept(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    patient = charts.patient()
    visit = charts.visit(patient, reason="Skin chek", clinician_id=clinician.user_id)
    earlier = visit.at - timedelta(days=2)
    seen = visits.get_visit(database, staff, visit_id=visit.id)
    edited = visits.edit_visit(
        database, staff, visit_id=visit.id, seen=seen, at=earlier, reason=" Skin  check ", notes="Both arms."
    )
    found = visits.get_visit(database, staff, visit_id=visit.id)
    assert (found.at, found.reason, found.clinician, found.notes) == (earlier, "Skin check", None, "Both arms.")
    assert edited.id == visit.id
    was = f"{visit.at.astimezone():%Y-%m-%d %H:%M}"
    assert history(database, patient.id) == [
        (f"visit of {was}: time", was, f"{earlier.astimezone():%Y-%m-%d %H:%M}"),
        (f"visit of {was}: reason", "Skin chek", "Skin check"),
        (f"visit of {was}: clinician", "Test Clinician (clinician)", None),
        (f"visit of {was}: notes", None, "Both arms."),
    ]
    (entry,) = audit.search_audit(database, OPERATOR, action="visit.edit")
    assert (entry.user_name, entry.subject_id, entry.patient_id) == (staff.name, visit.id, patient.id)


def test_an_edit_that_cannot_be_kept_changes_nothing(database: Database, charts: Charts, staff: Actor) -> None:
    patient = charts.patient()
    visit = charts.visit(patient)
    seen = visits.get_visit(database, staff, visit_id=visit.id)
    right = {"visit_id": visit.id, "seen": seen, "at": visit.at, "reason": "Skin check"}
    before = all_rows(database)
    for wrong, error in (
        ({"reason": "  "}, Invalid),
        ({"at": clock.now() + timedelta(days=2)}, Invalid),
        ({"at": clock.now() - timedelta(days=200 * 365)}, Invalid),
        ({"clinician_id": staff.user_id}, Invalid),
        ({"visit_id": 4711}, NotFound),
    ):
        with pytest.raises(error):
            visits.edit_visit(database, staff, **(right | wrong))
        assert all_rows(database)["visit"] == before["visit"]
        assert all_rows(database)["patient_change"] == before["patient_change"]


def test_nobody_saves_over_an_edit_that_they_did_not_see(database: Database, charts: Charts, staff: Actor) -> None:
    visit = charts.visit(charts.patient())
    seen = visits.get_visit(database, staff, visit_id=visit.id)
    visits.edit_visit(database, staff, visit_id=visit.id, seen=seen, at=seen.at, reason="First")
    with pytest.raises(Conflict, match="Somebody else changed this visit"):
        visits.edit_visit(database, staff, visit_id=visit.id, seen=seen, at=seen.at, reason="Second")
    assert visits.get_visit(database, staff, visit_id=visit.id).reason == "First"


def test_a_clinician_who_left_stays_the_one_of_the_visit(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    visit = charts.visit(charts.patient(), clinician_id=clinician.user_id)
    users.set_disabled(database, OPERATOR, name=clinician.name, disabled=True)
    seen = visits.get_visit(database, staff, visit_id=visit.id)
    kept = {"visit_id": visit.id, "seen": seen, "at": seen.at, "clinician_id": clinician.user_id}
    visits.edit_visit(database, staff, **kept, reason="Another reason")
    assert visits.get_visit(database, staff, visit_id=visit.id).clinician_id == clinician.user_id


def test_an_image_is_moved_with_all_that_was_said_of_it_and_nothing_that_was_said_of_the_lesion(
    database: Database, charts: Charts, clinician: Actor, workspace: Workspace
) -> None:
    image = fill_every_table(database, charts, clinician)
    found = images.get_image(database, clinician, image_id=image.id)
    patient, wrong = found.lesion.patient, found.lesion
    right = charts.lesion(patient)
    stays = charts.image(charts.visit(patient, days_ago=30), wrong)
    before = all_rows(database)
    moved = images.move_image(database, clinician, image_id=image.id, lesion_id=right.id)
    assert moved.lesion_id == right.id

    after = all_rows(database)
    touched = {"image", "patient_change", "audit_entry"}
    assert {table for table in after if after[table] != before[table]} == touched
    assert history(database, patient.id)[-1] == (
        f"lesion of an image of {found.visit.at.astimezone():%Y-%m-%d %H:%M}",
        wrong.label,
        right.label,
    )
    (entry,) = audit.search_audit(database, OPERATOR, action="image.move")
    assert (entry.subject_id, entry.patient_id) == (image.id, patient.id)

    of_right = lesions.images_of_lesion(database, clinician, lesion_id=right.id)
    assert [one.id for one in of_right] == [image.id] and of_right[0].reading is not None
    (measures,) = outlines.measures_of_lesion(database, clinician, lesion_id=right.id)
    assert measures.outline is not None and measures.mm_per_pixel == 0.1
    assert [one.id for one in lesions.images_of_lesion(database, clinician, lesion_id=wrong.id)] == [stays.id]
    with pytest.raises(Invalid, match="different lesions"):
        comparisons.compare_images(database, clinician, store=workspace.images, first_id=image.id, second_id=stays.id)
    with pytest.raises(Invalid, match="different lesions"):
        comparisons.growth_matrices(
            database, clinician, store=workspace.images, first_id=image.id, other_ids=[stays.id]
        )


def test_similar_cases_leave_out_the_lesion_that_an_image_was_moved_to(
    database: Database, charts: Charts, clinician: Actor, workspace: Workspace
) -> None:
    patient, visit, wrong, image = charts.filled()
    right = charts.lesion(patient)
    other = charts.image(visit, right)
    version = "a model of its own"
    for one in (image, other):
        give_features(database, one.id, np.ones(8, dtype=np.float32), model_version=version)

    def similar_to_it() -> list[int]:
        found = similar.similar_cases(
            database, clinician, image_id=image.id, index=workspace.similar, model_version=version
        )
        return [case.image.id for case in found.cases]

    assert similar_to_it() == [other.id]
    images.move_image(database, clinician, image_id=image.id, lesion_id=right.id)
    assert similar_to_it() == []
    images.move_image(database, clinician, image_id=image.id, lesion_id=wrong.id)
    assert similar_to_it() == [other.id]


def test_an_image_is_moved_within_its_patient_only_and_to_where_it_is_not(
    database: Database, charts: Charts, staff: Actor
) -> None:
    patient, visit, lesion, image = charts.filled()
    *_, foreign, _ = charts.filled()
    twin = charts.lesion(patient)
    data = lesion_file(4711)
    copied = charts.image(visit, lesion, data)
    charts.image(visit, twin, data)
    before = all_rows(database)
    for arguments, error in (
        ({"image_id": image.id, "lesion_id": foreign.id}, Invalid),
        ({"image_id": image.id, "lesion_id": lesion.id}, Conflict),
        ({"image_id": copied.id, "lesion_id": twin.id}, Conflict),
        ({"image_id": image.id, "lesion_id": 4711}, NotFound),
        ({"image_id": 4711, "lesion_id": twin.id}, NotFound),
    ):
        with pytest.raises(error):
            images.move_image(database, staff, **arguments)
        assert all_rows(database) == before
