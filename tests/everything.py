"""All rows of a database, to be compared, and a clinic with a row in every table."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import SignInFailed
from core.records import clinics, clock, judgements, patients, referrals, users
from core.records.actor import Actor
from core.records.database import Database
from core.records.patients import PatientDetails
from core.records.tables import Base, Image
from core.records.terms import ConfirmType
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
    patient, _visit, lesion, image = charts.filled(phone="+91 98400 12345")
    details = replace(PatientDetails.of(patient), notes="Works outdoors.")
    patients.edit_patient(database, clinician, patient_id=patient.id, details=details, version=patient.version)
    for name in ("nevus", "melanoma"):
        judgements.record_diagnosis(
            database,
            clinician,
            lesion_id=lesion.id,
            name=name,
            confirm_type=ConfirmType.HISTOPATHOLOGY,
            seen_reading_id=image.readings[-1].id,
        )
    referrals.refer(
        database,
        clinician,
        patient_id=patient.id,
        clinic_id=clinics.list_clinics(database)[0].id,
        lesion_id=lesion.id,
        reason="A second opinion.",
    )
    due = clock.today() + timedelta(days=90)
    judgements.set_recall(database, clinician, lesion_id=lesion.id, due_on=due)
    users.sign_in(database, name=clinician.name, password=PASSWORD, address="192.0.2.7")
    with pytest.raises(SignInFailed):
        users.sign_in(database, name=clinician.name, password="a wrong one", address="192.0.2.7")
    empty = [name for name, rows in all_rows(database).items() if not rows]
    assert empty == []
    return image
