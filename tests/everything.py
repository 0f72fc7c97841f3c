"""All rows of a database, to be compared, and a clinic with a row in every table."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.checklists import SevenPoint
from core.errors import SignInFailed
from core.records import (
    body_map,
    checklists,
    clinics,
    clock,
    judgements,
    outlines,
    patients,
    plans,
    recalls,
    referrals,
    users,
)
from core.records.actor import Actor
from core.records.database import Database
from core.records.patients import PatientDetails
from core.records.tables import Base, Image
from core.records.terms import CallOutcome, ConfirmType, LesionState, PlanKind
from tests.charts import PASSWORD, Charts


def all_rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table by its column's names, in the order of the ids."""
    with database.reading() as session:
        return {
            table.name: [dict(row) for row in session.execute(select(table).order_by(table.c.id)).mappings()]
            for table in Base.metadata.sorted_tables
        }


def fill_every_table(database: Database, charts: Charts, clinician: Actor) -> Image:
    """Do enough that every table has rows; return an image."""
    patient, visit, lesion, image = charts.filled(phone="+91 98400 12345")
    details = replace(PatientDetails.of(patient), notes="Works outdoors.")
    patients.edit_patient(database, clinician, patient_id=patient.id, details=details, version=patient.version)
    for name in ("nevus", "melanoma"):
        judgements.record_diagnosis(
            database,
            clinician,
            lesion_id=lesion.id,
            name=name,
            confirm_type=ConfirmType.HISTOPATHOLOGY,
            seen_reading_ids=[image.readings[-1].id],
        )
    body_map.set_state(database, clinician, lesion_id=lesion.id, state=LesionState.WATCHED)
    referrals.refer(
        database,
        clinician,
        patient_id=patient.id,
        clinic_id=clinics.list_clinics(database)[0].id,
        lesion_id=lesion.id,
        reason="A second opinion.",
    )
    due = clock.today() + timedelta(days=90)
    recall = judgements.set_recall(database, clinician, lesion_id=lesion.id, due_on=due)
    recalls.log_call(database, clinician, recall_id=recall.id, outcome=CallOutcome.NO_ANSWER, notes="Rang twice.")
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.BIOPSY)
    features = [SevenPoint.CHANGE_IN_SIZE]
    checklists.score_seven_points(database, clinician, lesion_id=lesion.id, visit_id=visit.id, features=features)
    ring = [(20.0, 20.0), (70.0, 20.0), (70.0, 70.0), (20.0, 70.0)]
    store = charts.intake.store
    outlines.correct_outline(database, clinician, store=store, image_id=image.id, polygon=ring, seen=None)
    outlines.set_scale(database, clinician, image_id=image.id, mm_per_pixel=0.1)
    users.sign_in(database, name=clinician.name, password=PASSWORD, address="192.0.2.7")
    with pytest.raises(SignInFailed):
        users.sign_in(database, name=clinician.name, password="a wrong one", address="192.0.2.7")
    empty = [name for name, rows in all_rows(database).items() if not rows]
    assert empty == []
    return image
