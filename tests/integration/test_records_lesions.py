"""Visits, lesions, readings looked at, diagnoses and recalls, as the pages of a chart show them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from core.errors import Conflict, Invalid, NotFound
from core.records import clock, images, judgements, lesions, readings, visits
from core.records.actor import Actor
from core.records.database import Database
from core.records.tables import Diagnosis, Recall
from core.records.terms import BodySite, ConfirmType, Laterality, Role
from core.records.users import add_user, set_disabled
from core.workspace import Workspace
from tests.charts import PASSWORD, Charts
from tests.everything import all_rows


def diagnose(database: Database, actor: Actor, lesion_id: int, name: str, **more: Any) -> Diagnosis:
    confirm_type = ConfirmType.SINGLE_CONTRIBUTOR
    return judgements.record_diagnosis(
        database, actor, lesion_id=lesion_id, name=name, confirm_type=confirm_type, **more
    )


def recall(database: Database, actor: Actor, lesion_id: int, days: int, **more: Any) -> Recall:
    due_on = clock.today() + timedelta(days=days)
    return judgements.set_recall(database, actor, lesion_id=lesion_id, due_on=due_on, **more)


def at_once(count: int, action: Callable[[int], object]) -> None:
    start = Barrier(count)

    def act(number: int) -> None:
        start.wait()
        action(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(act, range(count)))


def test_a_visit_is_kept_as_logged(database: Database, charts: Charts, staff: Actor, clinician: Actor) -> None:
    patient = charts.patient()
    moment = clock.now() - timedelta(hours=2)
    logged = visits.log_visit(
        database,
        staff,
        patient_id=patient.id,
        at=moment,
        reason="  Skin check ",
        clinician_id=clinician.user_id,
        notes="Itches.\nSince May.",
    )
    visit = visits.get_visit(database, staff, visit_id=logged.id)
    assert (visit.at, visit.reason, visit.notes) == (moment, "Skin check", "Itches.\nSince May.")
    assert visit.patient.name == patient.name
    assert visit.clinician is not None and visit.clinician.full_name == "Test Clinician"


def test_what_no_visit_can_be(database: Database, charts: Charts, staff: Actor, administrator: Actor) -> None:
    patient = charts.patient()
    add_user(database, administrator, name="retired", role=Role.CLINICIAN, password=PASSWORD)
    retired = set_disabled(database, administrator, name="retired", disabled=True)
    before = all_rows(database)
    good: dict[str, Any] = {"patient_id": patient.id, "at": clock.now(), "reason": "Skin check"}
    birth = datetime.combine(patient.birth_date, datetime.min.time()).astimezone()
    for field, value, error in (
        ("reason", " ", Invalid),
        ("reason", "x" * 201, Invalid),
        ("notes", "x" * 10_001, Invalid),
        ("at", clock.now() + timedelta(days=2), Invalid),
        ("at", birth - timedelta(minutes=1), Invalid),
        ("clinician_id", staff.user_id, Invalid),
        ("clinician_id", retired.id, Invalid),
        ("clinician_id", 4711, Invalid),
        ("patient_id", 4711, NotFound),
    ):
        with pytest.raises(error) as refused:
            visits.log_visit(database, staff, **{**good, field: value})
        if isinstance(refused.value, Invalid):
            assert refused.value.field == field
    assert all_rows(database) == before
    visits.log_visit(database, staff, **{**good, "at": birth})


def test_visits_are_listed_by_patient_and_by_day(database: Database, charts: Charts, staff: Actor) -> None:
    first, second = charts.patient(), charts.patient(name="Björn Lindqvist")
    midnight = datetime.combine(clock.today(), datetime.min.time()).astimezone()
    ids = {}
    for name, patient, at in (
        ("just before", first, midnight - timedelta(seconds=1)),
        ("at midnight", first, midnight),
        ("later", second, midnight + timedelta(minutes=5)),
        ("last year", first, midnight - timedelta(days=365)),
    ):
        ids[name] = visits.log_visit(database, staff, patient_id=patient.id, at=at, reason=name).id
    today = visits.visits_on(database, staff, day=clock.today())
    assert [(visit.reason, visit.patient.name) for visit in today] == [
        ("at midnight", first.name),
        ("later", second.name),
    ]
    of_first = visits.visits_of(database, staff, patient_id=first.id)
    assert [visit.reason for visit in of_first] == ["at midnight", "just before", "last year"]


def test_lesions_are_numbered_within_their_patient(database: Database, charts: Charts, staff: Actor) -> None:
    first, second = charts.patient(), charts.patient(name="Björn Lindqvist")
    labels = [charts.lesion(patient).label for patient in (first, first, second, first, second)]
    assert labels == ["L1", "L2", "L1", "L3", "L2"]
    lesion = charts.lesion(
        first, body_site=BodySite.UPPER_EXTREMITY, laterality=Laterality.LEFT, description=" forearm\x00 "
    )
    kept = lesions.get_lesion(database, staff, lesion_id=lesion.id)
    assert (kept.label, kept.place, kept.description) == ("L4", "Upper extremity, left", "forearm")
    assert kept.patient.id == first.id
    assert [lesion.label for lesion in lesions.list_lesions(database, staff, patient_id=first.id)] == [
        "L1",
        "L2",
        "L3",
        "L4",
    ]


def test_lesions_added_at_one_moment_get_a_number_each(database: Database, charts: Charts, staff: Actor) -> None:
    patient = charts.patient()
    at_once(16, lambda _: charts.lesion(patient))
    found = lesions.list_lesions(database, staff, patient_id=patient.id)
    assert [lesion.number for lesion in found] == list(range(1, 17))


def test_what_no_lesion_can_be(database: Database, charts: Charts, staff: Actor) -> None:
    patient = charts.patient()
    before = all_rows(database)
    with pytest.raises(Invalid) as refused:
        charts.lesion(patient, description="x" * 201)
    assert refused.value.field == "description"
    with pytest.raises(NotFound, match="no such patient"):
        lesions.add_lesion(database, staff, patient_id=4711, body_site=BodySite.TRUNK)
    assert all_rows(database) == before


def test_what_is_not_there_is_said(database: Database, staff: Actor, clinician: Actor) -> None:
    before = all_rows(database)
    nothing: list[Callable[[], object]] = [
        lambda: visits.get_visit(database, staff, visit_id=1),
        lambda: lesions.get_lesion(database, staff, lesion_id=1),
        lambda: images.get_image(database, staff, image_id=1),
        lambda: readings.review_reading(database, clinician, reading_id=1),
        lambda: diagnose(database, clinician, 1, "nevus"),
        lambda: recall(database, clinician, 1, 30),
        lambda: judgements.close_recall(database, staff, recall_id=1),
    ]
    for look in nothing:
        with pytest.raises(NotFound, match="There is no such"):
            look()
    assert all_rows(database) == before


def test_a_lesion_at_a_glance(database: Database, charts: Charts, staff: Actor, clinician: Actor) -> None:
    patient = charts.patient()
    lesion, empty = charts.lesion(patient), charts.lesion(patient)
    later, earlier = charts.visit(patient, days_ago=1), charts.visit(patient, days_ago=90)
    newest = charts.image(later, lesion)
    charts.image(earlier, lesion)
    diagnose(database, clinician, lesion.id, "nevus")
    diagnose(database, clinician, lesion.id, "melanoma")
    recall(database, clinician, lesion.id, 30)
    recall(database, clinician, lesion.id, 60)
    full, bare = lesions.lesions_of(database, staff, patient_id=patient.id)
    assert (full.lesion.id, full.images) == (lesion.id, 2)
    assert full.latest is not None and full.latest.id == newest.id
    assert full.latest.reading is not None and full.latest.visit.at == later.at
    assert full.diagnosis is not None and full.diagnosis.name == "melanoma"
    assert full.diagnosis.user.full_name == "Test Clinician"
    assert full.recall is not None and full.recall.due_on == clock.today() + timedelta(days=60)
    assert (bare.lesion.id, bare.images, bare.latest, bare.diagnosis, bare.recall) == (empty.id, 0, None, None, None)


def test_a_lesions_images_stand_in_the_order_they_were_taken(database: Database, charts: Charts, staff: Actor) -> None:
    patient = charts.patient()
    lesion = charts.lesion(patient)
    taken = [charts.image(charts.visit(patient, days_ago=days), lesion) for days in (10, 300, 150)]
    found = lesions.images_of_lesion(database, staff, lesion_id=lesion.id)
    assert [image.id for image in found] == [taken[1].id, taken[2].id, taken[0].id]
    assert [image.id for image in visits.images_of_visit(database, staff, visit_id=taken[0].visit_id)] == [taken[0].id]


def test_a_diagnosis_is_superseded_and_never_edited(database: Database, charts: Charts, clinician: Actor) -> None:
    lesion = charts.lesion(charts.patient())
    first = diagnose(database, clinician, lesion.id, "nevus", notes="Stable.")
    second = diagnose(database, clinician, lesion.id, " Lentigo  maligna ")
    found = judgements.diagnoses_of(database, clinician, lesion_id=lesion.id)
    assert [(diagnosis.name, diagnosis.supersedes_id) for diagnosis in found] == [
        ("Lentigo maligna", first.id),
        ("nevus", None),
    ]
    assert (found[0].id, found[1].notes, found[0].user.name) == (second.id, "Stable.", "clinician")


def test_diagnoses_recorded_at_one_moment_supersede_one_another_in_a_row(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    lesion = charts.lesion(charts.patient())
    at_once(12, lambda number: diagnose(database, clinician, lesion.id, f"opinion {number}"))
    found = judgements.diagnoses_of(database, clinician, lesion_id=lesion.id)
    assert len(found) == 12
    assert [diagnosis.supersedes_id for diagnosis in found] == [*(diagnosis.id for diagnosis in found[1:]), None]


def test_what_no_diagnosis_and_no_recall_can_be(database: Database, charts: Charts, clinician: Actor) -> None:
    lesion = charts.lesion(charts.patient())
    before = all_rows(database)
    for name, notes, field in ((" ", None, "name"), ("x" * 201, None, "name"), ("nevus", "x" * 10_001, "notes")):
        with pytest.raises(Invalid) as refused:
            diagnose(database, clinician, lesion.id, name, notes=notes)
        assert refused.value.field == field
    for days, reason, field in ((0, None, "due_on"), (-1, None, "due_on"), (1, "x" * 201, "reason")):
        with pytest.raises(Invalid) as refused:
            recall(database, clinician, lesion.id, days, reason=reason)
        assert refused.value.field == field
    assert all_rows(database) == before


def test_a_recall_takes_the_place_of_the_one_before(database: Database, charts: Charts, clinician: Actor) -> None:
    lesion, other = (charts.lesion(charts.patient()) for _ in range(2))
    first = recall(database, clinician, lesion.id, 30, reason="  Compare ")
    elsewhere = recall(database, clinician, other.id, 10)
    second = recall(database, clinician, lesion.id, 60)
    open_now = judgements.open_recall(database, clinician, lesion_id=lesion.id)
    assert (first.reason, open_now and open_now.id) == ("Compare", second.id)
    with pytest.raises(Conflict, match="closed or replaced meanwhile"):
        judgements.close_recall(database, clinician, recall_id=first.id)
    assert judgements.open_recall(database, clinician, lesion_id=lesion.id) is not None
    judgements.close_recall(database, clinician, recall_id=second.id)
    assert judgements.open_recall(database, clinician, lesion_id=lesion.id) is None
    still = judgements.open_recall(database, clinician, lesion_id=other.id)
    assert still is not None and still.id == elsewhere.id


def test_recalls_set_and_closed_at_one_moment_leave_at_most_one_open(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    lesion = charts.lesion(charts.patient())
    first = recall(database, clinician, lesion.id, 5)

    def act(number: int) -> None:
        if number % 3:
            recall(database, clinician, lesion.id, number)
        else:
            with suppress(Conflict):
                judgements.close_recall(database, clinician, recall_id=first.id)

    at_once(12, act)
    assert len([row for row in all_rows(database)["recall"] if row["closed_at"] is None]) <= 1


def test_readings_wait_for_a_clinician_the_most_probably_malignant_first(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    patient = charts.patient()
    visit = charts.visit(patient)
    waiting = [charts.image(visit, charts.lesion(patient)).readings[0] for _ in range(5)]
    found = readings.unreviewed_readings(database, staff)
    probabilities = [reading.malignant_probability for reading in found]
    assert sorted(reading.id for reading in found) == sorted(reading.id for reading in waiting)
    assert probabilities == sorted(probabilities, reverse=True) and len(set(probabilities)) > 1
    assert found[0].image.lesion.patient.id == patient.id
    assert readings.count_unreviewed(database, staff) == 5
    assert [reading.id for reading in readings.unreviewed_readings(database, staff, limit=2)] == [
        reading.id for reading in found[:2]
    ]
    readings.review_reading(database, clinician, reading_id=found[0].id)
    assert [reading.id for reading in readings.unreviewed_readings(database, staff)] == [
        reading.id for reading in found[1:]
    ]
    assert readings.count_unreviewed(database, staff) == 4


def test_the_first_look_at_a_reading_stands(
    database: Database, charts: Charts, clinician: Actor, administrator: Actor
) -> None:
    reading = charts.filled()[3].readings[0]
    readings.review_reading(database, clinician, reading_id=reading.id)
    before = all_rows(database)
    readings.review_reading(database, administrator, reading_id=reading.id)
    assert all_rows(database) == before


def test_looks_and_diagnoses_at_one_moment_are_one_review(database: Database, charts: Charts, clinician: Actor) -> None:
    image = charts.filled()[3]
    reading = image.readings[0]

    def look(number: int) -> None:
        if number % 2:
            readings.review_reading(database, clinician, reading_id=reading.id)
        else:
            diagnose(database, clinician, image.lesion_id, "nevus", seen_reading_ids=[reading.id])

    at_once(12, look)
    assert [row["reading_id"] for row in all_rows(database)["review"]] == [reading.id]


def test_a_diagnosis_reviews_what_was_seen_and_not_what_came_meanwhile(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    patient, _visit, lesion, image = charts.filled()
    seen = image.readings[0]
    later = charts.image(charts.visit(patient, days_ago=1), lesion).readings[0]
    diagnose(database, clinician, lesion.id, "nevus", seen_reading_ids=[seen.id])
    assert [row["reading_id"] for row in all_rows(database)["review"]] == [seen.id]
    assert [reading.id for reading in readings.unreviewed_readings(database, clinician)] == [later.id]


def test_an_image_that_was_moved_here_meanwhile_does_not_count_as_seen(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    patient, visit, lesion, _image = charts.filled()
    moved = charts.image(visit, charts.lesion(patient))
    seen = charts.image(charts.visit(patient, days_ago=1), lesion).readings[0]
    images.move_image(database, staff, image_id=moved.id, lesion_id=lesion.id)
    diagnose(database, clinician, lesion.id, "nevus", seen_reading_ids=[seen.id])
    assert [row["reading_id"] for row in all_rows(database)["review"]] == [seen.id]


def test_a_new_reading_is_added_and_the_earlier_one_stays(
    database: Database, charts: Charts, staff: Actor, clinician: Actor, workspace: Workspace
) -> None:
    image = charts.filled()[3]
    before = all_rows(database)["reading"]
    readings.review_reading(database, clinician, reading_id=image.readings[0].id)
    again = readings.read_again(database, staff, store=workspace.images, reader=workspace.reader, image_id=image.id)
    kept = images.get_image(database, staff, image_id=image.id)
    assert all_rows(database)["reading"][:-1] == before
    assert [reading.id for reading in kept.readings] == [image.readings[0].id, again.id]
    assert kept.reading is not None and kept.reading.id == again.id
    # The same model on the same pixels says the same, from the stored file as from the upload.
    assert again.probabilities == pytest.approx(image.readings[0].probabilities, abs=1e-6)
    assert [reading.id for reading in readings.unreviewed_readings(database, staff)] == [again.id]
