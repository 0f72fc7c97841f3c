"""A patient with 60 lesions, 20 visits and 1,000 images: the chart opens with as many queries as a small one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, insert

from core.records import body_map, clock, lesions, outlines, patients, timeline, users, visits
from core.records.actor import Actor
from core.records.database import Database
from core.records.tables import Image, Lesion, Patient, StateOfLesion, StoredReading, Visit
from core.records.terms import BodySite, BodyView, ImageType, LesionState
from tests.charts import Charts

OPENS_WITHIN = 0.3
"""Seconds of the processor, which another process on the machine does not lengthen."""


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that reach the database."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def fill(database: Database, charts: Charts, *, count: tuple[int, int, int]) -> Patient:
    """A patient with so many lesions, visits and images, each with two readings, each lesion with two states."""
    many_lesions, many_visits, many_images = count
    patient, now = charts.patient(), clock.now()
    with database.writing() as session:
        session.execute(
            insert(Lesion),
            [
                {
                    "patient_id": patient.id, "number": 1 + n, "body_site": BodySite.TRUNK, "created_at": now,
                    "map_view": BodyView.FRONT if n % 3 else None, "map_x": 0.5 if n % 3 else None,
                    "map_y": n / many_lesions if n % 3 else None,
                }
                for n in range(many_lesions)
            ],
        )  # fmt: skip
        session.execute(
            insert(Visit),
            [{"patient_id": patient.id, "at": now - timedelta(days=30 * n), "reason": "Check"}
             for n in range(many_visits)],
        )  # fmt: skip
    at = visits.visits_of(database, charts.actor, patient_id=patient.id)
    of = lesions.list_lesions(database, charts.actor, patient_id=patient.id)
    with database.writing() as session:
        session.execute(
            insert(StateOfLesion),
            [{"lesion_id": one.id, "at": now - timedelta(days=days), "user_id": charts.actor.account(),
              "state": state}
             for one in of for days, state in ((60, LesionState.WATCHED), (5, LesionState.CHANGED))],
        )  # fmt: skip
        for n in range(many_images):
            image = Image(
                lesion_id=of[n % many_lesions].id, visit_id=at[n % many_visits].id, sha256=f"{patient.id:032d}{n:032d}",
                display_sha256="0" * 64, width=600, height=450, image_type=ImageType.DERMOSCOPIC, created_at=now,
            )  # fmt: skip
            image.readings = [
                StoredReading(
                    at=now, model_version=version, prediction="nevus", probabilities={"nevus": 0.7, "melanoma": 0.3},
                    malignant_probability=0.3, flagged=False, maps=bytes(2 * 7 * 7 * 4), overlay_sha256="0" * 64,
                )
                for version in ("older", "newer")
            ]  # fmt: skip
            session.add(image)
    return patient


def chart_verbs(database: Database, actor: Actor, patient: Patient) -> list[Callable[[], object]]:
    """What the patient's page calls."""
    one = {"patient_id": patient.id}
    return [
        lambda: patients.open_chart(database, actor, **one),
        lambda: body_map.map_of(database, actor, **one),
        lambda: body_map.map_of(database, actor, **one, as_of=clock.today() - timedelta(days=30)),
        lambda: lesions.lesions_of(database, actor, **one),
        lambda: users.clinicians(database, actor),
        lambda: visits.visits_of(database, actor, **one),
        lambda: patients.patient_history(database, actor, **one),
    ]


def test_no_query_of_the_chart_is_per_row_and_it_opens_at_once(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    counts = []
    for count in ((2, 2, 4), (60, 20, 1000)):
        patient = fill(database, charts, count=count)
        verbs = chart_verbs(database, clinician, patient)
        verbs[0]()
        with counted(database) as statements:
            begun = time.process_time()
            for verb in verbs:
                verb()
            spent = time.process_time() - begun
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 16
    assert spent < OPENS_WITHIN


def test_a_list_shows_the_image_taken_last_and_counts_them_all(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    patient = charts.patient()
    busy, empty = charts.lesion(patient), charts.lesion(patient)
    late, early = charts.visit(patient, days_ago=1), charts.visit(patient, days_ago=50)
    newest = charts.image(late, busy)
    charts.image(early, busy)
    charts.filled()
    first, second = lesions.lesions_of(database, clinician, patient_id=patient.id)
    assert (first.lesion.id, first.images, first.latest and first.latest.id) == (busy.id, 2, newest.id)
    assert first.latest is not None
    assert first.latest.reading is not None
    assert (second.lesion.id, second.images, second.latest) == (empty.id, 0, None)


@pytest.mark.parametrize("images", [2, 60])
def test_a_lesions_page_asks_as_often_for_many_images_as_for_few(
    database: Database, charts: Charts, clinician: Actor, images: int
) -> None:
    patient = fill(database, charts, count=(1, 2, images))
    (lesion,) = lesions.list_lesions(database, clinician, patient_id=patient.id)
    lesions.get_lesion(database, clinician, lesion_id=lesion.id)
    with counted(database) as statements:
        lesions.get_lesion(database, clinician, lesion_id=lesion.id)
        found = lesions.images_of_lesion(database, clinician, lesion_id=lesion.id)
        timeline.decisions_on(database, clinician, lesion_id=lesion.id)
        outlines.measures_of_lesion(database, clinician, lesion_id=lesion.id)
        body_map.states_of(database, clinician, lesion_id=lesion.id)
    assert len(found) == images
    assert len(statements) == 13
