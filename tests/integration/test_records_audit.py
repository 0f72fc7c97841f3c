"""The audit trail: everything that was done and looked at, nothing clinical, and nobody can change it."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.errors import DermTrailError, SignInFailed
from core.records import audit, clock, images, judgements, lesions, patients, readings, users, visits
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.patients import PatientDetails
from core.records.tables import AuditEntry
from core.records.terms import BodySite, ConfirmType, ImageType, Laterality, Role
from core.workspace import Workspace
from tests.charts import PASSWORD, Charts, lesion_file
from tests.everything import all_rows, fill_every_table

SECRETS = {
    "name": "Zenobia Quillfeather",
    "record_number": "SECRETNUMBER-77",
    "phone": "+00 7777 8888 99",
    "email": "zenobia@secret.example",
    "notes": "allergic to lidocaine",
    "photo_consent_wording": "for the atlas of Quillfeather",
}
CLINICAL = ("lentigo suspicion", "dysplastic marker", "bring the sister", "behind the knee", "weekly itching")


def entries(database: Database, **filters: Any) -> list[AuditEntry]:
    """The trail, oldest first, without the looks into the trail itself."""
    found = audit.search_audit(database, OPERATOR, **filters)
    return [entry for entry in reversed(found) if entry.action != "audit.search"]


def actions(database: Database, **filters: Any) -> list[str]:
    return [entry.action for entry in entries(database, **filters)]


def a_day(database: Database, workspace: Workspace, staff: Actor, clinician: Actor) -> None:
    """A patient's whole day, with texts that would show wherever they leaked to."""
    born = clock.today() - timedelta(days=20_000)
    details = PatientDetails(birth_date=born, sex="female", photo_consent_on=born, **SECRETS)  # type: ignore[arg-type]
    patient = patients.register_patient(database, staff, details=details)
    patients.search_patients(database, staff, query=details.name)
    patients.open_chart(database, staff, patient_id=patient.id)
    changed = replace(details, notes="allergic to lidocaine, and to latex")
    patients.edit_patient(database, staff, patient_id=patient.id, details=changed, version=patient.version)
    visit = visits.log_visit(
        database, staff, patient_id=patient.id, at=clock.now(), reason=CLINICAL[4], clinician_id=clinician.user_id
    )
    lesion = lesions.add_lesion(
        database,
        staff,
        patient_id=patient.id,
        body_site=BodySite.LOWER_EXTREMITY,
        laterality=Laterality.LEFT,
        description=CLINICAL[3],
    )
    image = images.add_image(
        database,
        staff,
        intake=workspace.intake,
        visit_id=visit.id,
        lesion_id=lesion.id,
        data=lesion_file(),
        image_type=ImageType.DERMOSCOPIC,
    )
    again = readings.read_again(database, staff, store=workspace.images, reader=workspace.reader, image_id=image.id)
    readings.review_reading(database, clinician, reading_id=image.readings[0].id)
    judgements.record_diagnosis(
        database,
        clinician,
        lesion_id=lesion.id,
        name=CLINICAL[0],
        confirm_type=ConfirmType.SINGLE_CONTRIBUTOR,
        notes=CLINICAL[1],
        seen_reading_ids=[image.readings[0].id, again.id],
    )
    recall = judgements.set_recall(
        database, clinician, lesion_id=lesion.id, due_on=clock.today() + timedelta(days=9), reason=CLINICAL[2]
    )
    judgements.close_recall(database, staff, recall_id=recall.id)


def test_a_whole_day_stands_in_the_trail(
    database: Database, workspace: Workspace, staff: Actor, clinician: Actor
) -> None:
    a_day(database, workspace, staff, clinician)
    trail = entries(database, record_number=SECRETS["record_number"])
    assert {entry.patient.name for entry in trail if entry.patient} == {SECRETS["name"]}
    assert [(entry.action, entry.user_name) for entry in trail] == [
        ("patient.register", "staff"),
        ("patient.look", "staff"),
        ("patient.edit", "staff"),
        ("visit.log", "staff"),
        ("lesion.add", "staff"),
        ("image.add", "staff"),
        ("reading.add", "staff"),
        ("reading.review", "clinician"),
        ("reading.review", "clinician"),
        ("diagnosis.record", "clinician"),
        ("recall.set", "clinician"),
        ("recall.close", "staff"),
    ]
    assert {entry.address for entry in trail} == {"192.0.2.7"}
    assert all(timedelta(0) <= clock.now() - entry.at < timedelta(minutes=1) for entry in trail)
    assert "patient.search" in actions(database, user_name="staff")


def test_nothing_about_a_patient_stands_in_the_trail(
    database: Database, workspace: Workspace, staff: Actor, clinician: Actor
) -> None:
    a_day(database, workspace, staff, clinician)
    trail = repr(all_rows(database)["audit_entry"]).lower()
    for secret in [*SECRETS.values(), *CLINICAL, "quillfeather", "melanoma", "nevus", "lower extremity"]:
        assert secret.lower() not in trail, secret


def test_nothing_about_a_patient_is_logged(
    database: Database, workspace: Workspace, staff: Actor, clinician: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor written into an error, which a log may hold with all its causes, when the database itself refuses a row."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    try:
        fresh = Database(database.url)
        a_day(fresh, workspace, staff, clinician)
        broken = 0
        for statement in (
            "INSERT INTO patient SELECT * FROM patient",
            "UPDATE patient SET photo_consent_on = NULL",
            "UPDATE patient SET name = NULL",
            "UPDATE patient SET sex = 'Quillfeather'",
        ):
            try:
                with fresh.writing() as session:
                    session.execute(text(statement))
            except DBAPIError:
                logging.getLogger("a page").exception("It went wrong.")
                broken += 1
        fresh.dispose()
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert broken == 4
    assert "INSERT INTO patient" in caplog.text
    for secret in [*SECRETS.values(), *CLINICAL]:
        assert secret.lower() not in caplog.text.replace(statement, "").lower(), secret


@pytest.mark.parametrize("again_after", [timedelta(0), audit.SAME_LOOK - timedelta(seconds=1)])
def test_one_look_is_one_entry(
    database: Database,
    charts: Charts,
    staff: Actor,
    monkeypatch: pytest.MonkeyPatch,
    again_after: timedelta,
) -> None:
    patient, visit, lesion, image = charts.filled()
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    patients.open_chart(database, staff, patient_id=patient.id)
    monkeypatch.setattr(clock, "now", lambda: moment + again_after)
    patients.open_chart(database, staff, patient_id=patient.id)
    visits.get_visit(database, staff, visit_id=visit.id)
    lesions.get_lesion(database, staff, lesion_id=lesion.id)
    images.get_image(database, staff, image_id=image.id)
    assert actions(database, user_name="staff") == ["patient.look"]


def test_a_look_that_is_another_is_noted_again(
    database: Database, charts: Charts, staff: Actor, clinician: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = charts.patient(), charts.patient(name="Björn Lindqvist")
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    patients.open_chart(database, staff, patient_id=first.id)
    patients.open_chart(database, staff, patient_id=second.id)
    patients.open_chart(database, clinician, patient_id=first.id)
    patients.open_chart(database, replace(staff, address="198.51.100.9"), patient_id=first.id)
    monkeypatch.setattr(clock, "now", lambda: moment + audit.SAME_LOOK)
    patients.open_chart(database, staff, patient_id=first.id)
    assert [
        (entry.user_name, entry.patient_id, entry.address) for entry in entries(database, action="patient.look")
    ] == [
        ("staff", first.id, "192.0.2.7"),
        ("staff", second.id, "192.0.2.7"),
        ("clinician", first.id, "192.0.2.7"),
        ("staff", first.id, "198.51.100.9"),
        ("staff", first.id, "192.0.2.7"),
    ]


@pytest.mark.parametrize("by_id", ["visit", "lesion", "image"])
def test_every_way_into_a_chart_is_a_look(database: Database, charts: Charts, staff: Actor, by_id: str) -> None:
    patient, visit, lesion, image = charts.filled()
    if by_id == "visit":
        visits.get_visit(database, staff, visit_id=visit.id)
    elif by_id == "lesion":
        lesions.get_lesion(database, staff, lesion_id=lesion.id)
    else:
        images.get_image(database, staff, image_id=image.id)
    trail = entries(database, user_name="staff")
    assert [(entry.action, entry.patient_id) for entry in trail] == [("patient.look", patient.id)]


def test_sign_ins_and_failures_and_accounts_stand_in_the_trail(
    database: Database, staff: Actor, administrator: Actor
) -> None:
    users.sign_in(database, name="staff", password=PASSWORD, address="203.0.113.5")
    for name in ("staff", "my secret password"):
        with pytest.raises(SignInFailed):
            users.sign_in(database, name=name, password="my secret passwor", address="203.0.113.6")
    users.set_role(database, administrator, name="staff", role=Role.CLINICIAN)
    users.set_disabled(database, administrator, name="staff", disabled=True)
    users.set_disabled(database, administrator, name="staff", disabled=False)
    users.reset_password(database, administrator, name="staff", password="another password")
    trail = [(entry.action, entry.user_name, entry.subject_id, entry.address) for entry in entries(database)[2:]]
    somebody, here = staff.user_id, "192.0.2.7"
    assert trail == [
        ("session.sign_in", "staff", somebody, "203.0.113.5"),
        ("session.sign_in_failed", "staff", somebody, "203.0.113.6"),
        ("session.sign_in_failed", "unknown", None, "203.0.113.6"),
        ("user.role.clinician", "administrator", somebody, here),
        ("user.disable", "administrator", somebody, here),
        ("user.enable", "administrator", somebody, here),
        ("user.reset_password", "administrator", somebody, here),
    ]
    assert "secret" not in repr(all_rows(database))


def test_the_trail_is_searched(database: Database, charts: Charts, staff: Actor, administrator: Actor) -> None:
    first, second = charts.patient(), charts.patient(name="Björn Lindqvist")
    patients.open_chart(database, staff, patient_id=second.id)
    assert actions(database, record_number=first.record_number) == ["patient.register"]
    assert actions(database, user_name="staff") == ["patient.look"]
    assert actions(database, action="patient.register") == ["patient.register"] * 2
    assert actions(database, since=clock.now()) == []
    assert actions(database, until=clock.now() - timedelta(hours=1)) == []
    assert actions(database, limit=1) in ([], ["patient.look"])
    assert {"patient.register", "patient.look", "user.add"} <= set(audit.audit_actions(database, administrator))
    audit.search_audit(database, administrator)
    assert [e.user_name for e in audit.search_audit(database, administrator, action="audit.search")] == [
        "administrator",
        "operator",
    ]


UNCHANGEABLE = {
    "audit_entry": "user_name = 'somebody else'",
    "patient_change": "after = 'never'",
    "reading": "prediction = 'nevus'",
    "review": "user_id = 1",
    "diagnosis": "name = 'nevus'",
    "lesion_state": "state = 'resolved'",
    "checklist_score": "score = 0",
    "plan": "kind = 'none'",
    "recall_call": "outcome = 'reached'",
}


@pytest.mark.parametrize("table", UNCHANGEABLE)
def test_the_database_itself_refuses_to_change_what_was_recorded(
    database: Database, charts: Charts, clinician: Actor, table: str
) -> None:
    fill_every_table(database, charts, clinician)
    before = all_rows(database)
    with pytest.raises(DBAPIError, match=f"{table} is append-only"), database.writing() as session:
        session.execute(text(f"UPDATE {table} SET {UNCHANGEABLE[table]}"))
    assert all_rows(database) == before


def test_the_database_itself_refuses_to_remove_an_audit_entry(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    fill_every_table(database, charts, clinician)
    before = all_rows(database)
    ways = ["DELETE FROM audit_entry", "DELETE FROM audit_entry WHERE id = 1"]
    if not database.is_sqlite:
        ways += ["TRUNCATE audit_entry", "TRUNCATE user_account CASCADE"]
    for statement in ways:
        with pytest.raises(DBAPIError, match="audit_entry is append-only"), database.writing() as session:
            session.execute(text(statement))
        assert all_rows(database) == before


def test_what_was_refused_leaves_no_entry_of_having_been_done(database: Database, charts: Charts, staff: Actor) -> None:
    patient = charts.patient()
    before = all_rows(database)["audit_entry"]
    for details, version in ((replace(PatientDetails.of(patient), name=""), 1), (PatientDetails.of(patient), 2)):
        with pytest.raises(DermTrailError):
            patients.edit_patient(database, staff, patient_id=patient.id, details=details, version=version)
    assert all_rows(database)["audit_entry"] == before
