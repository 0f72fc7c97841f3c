"""Erasing a patient: nothing is left but the entry that says so, and nobody else loses anything."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.errors import Invalid, NotAllowed
from core.records import audit, images, patients
from core.records.actor import Actor
from core.records.database import Database
from core.records.erasure import erase_patient
from core.records.ownership import owned_rows
from core.workspace import Workspace
from tests.charts import DETAILS, Charts, lesion_file
from tests.everything import all_rows, fill_every_table

KEPT = ("patient_change", "reading", "review", "diagnosis")


def test_nothing_is_left_but_the_entry_and_others_keep_what_they_share(
    database: Database, workspace: Workspace, charts: Charts, clinician: Actor, administrator: Actor
) -> None:
    shared = lesion_file(71)
    other = charts.patient(name="Somebody Else")
    kept = charts.image(charts.visit(other), charts.lesion(other), shared)
    before = all_rows(database)
    files = set(workspace.images.all())
    image = fill_every_table(database, charts, clinician)
    patient = next(row for row in all_rows(database)["patient"] if row["id"] != other.id)
    whole = images.get_image(database, clinician, image_id=image.id)
    charts.image(whole.visit, whole.lesion, shared, although_elsewhere=True)
    erased = erase_patient(
        database,
        administrator,
        store=workspace.images,
        similar=workspace.similar,
        patient_id=patient["id"],
        confirmed_number=patient["record_number"],
    )
    after = all_rows(database)
    accounts = ("audit_entry", "user_account", "user_session", "sign_in_tries", "clinic")
    for table in set(before) - set(accounts):
        assert after[table] == before[table], table
    assert set(workspace.images.all()) == files
    assert workspace.images.get(kept.sha256)
    assert erased.files == 3
    last = after["audit_entry"][-1]
    assert (last["action"], last["patient_id"], last["user_name"]) == ("patient.erase", patient["id"], "administrator")
    everything = repr({name: rows for name, rows in after.items() if name != "patient"})
    for trace in (patient["name"], patient["record_number"], image.sha256):
        assert trace not in everything
    if database.is_sqlite:
        kept_files = list(workspace.settings.home.glob("dermtrail.db*"))
        assert not any(b"Works outdoors" in path.read_bytes() for path in kept_files)


def test_the_wrong_number_and_the_wrong_role_change_nothing(
    database: Database, workspace: Workspace, charts: Charts, clinician: Actor, administrator: Actor
) -> None:
    patient, *_ = charts.filled()
    before = all_rows(database)
    asked = {"store": workspace.images, "similar": workspace.similar, "patient_id": patient.id}
    with pytest.raises(Invalid, match="Nothing was erased"):
        erase_patient(database, administrator, confirmed_number="T-0", **asked)
    with pytest.raises(NotAllowed):
        erase_patient(database, clinician, confirmed_number=patient.record_number, **asked)
    assert all_rows(database) == before


def test_what_was_recorded_is_removed_on_no_other_path(
    database: Database, workspace: Workspace, charts: Charts, clinician: Actor, administrator: Actor
) -> None:
    fill_every_table(database, charts, clinician)
    gone, *_ = charts.filled(name="Somebody Else")
    erase_patient(
        database,
        administrator,
        store=workspace.images,
        similar=workspace.similar,
        patient_id=gone.id,
        confirmed_number=gone.record_number,
    )
    before = all_rows(database)
    for table in KEPT:
        with pytest.raises(DatabaseError, match="append-only"), database.writing() as session:
            session.execute(text(f"DELETE FROM {table}"))
    assert all_rows(database) == before


def test_an_id_is_never_given_twice(
    database: Database, workspace: Workspace, charts: Charts, administrator: Actor
) -> None:
    gone, visit, lesion, image = charts.filled()
    erase_patient(
        database,
        administrator,
        store=workspace.images,
        similar=workspace.similar,
        patient_id=gone.id,
        confirmed_number=gone.record_number,
    )
    new = charts.filled()
    assert all(row.id > old.id for row, old in zip(new, (gone, visit, lesion, image), strict=True))
    assert audit.search_audit(database, administrator, record_number=new[0].record_number)
    again = patients.register_patient(database, administrator, details=DETAILS, is_another_person=True)
    assert again.id > new[0].id


def test_every_table_of_the_chart_is_found_to_be_the_patients() -> None:
    names = {table.name for table in owned_rows(1)}
    assert {"patient", "patient_search_term", "visit", "lesion", "image", "recall", *KEPT} <= names
    assert names.isdisjoint({"user_account", "user_session", "audit_entry", "clinic"})
