"""Patients: registered once, found again, edited by one person at a time with everything kept."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest

from core.errors import Conflict, Invalid, LikelyDuplicate, NotFound
from core.records import clock, patients
from core.records.actor import Actor
from core.records.database import Database
from core.records.patients import PatientDetails, age_in_years
from core.records.tables import Patient
from core.records.terms import FitzpatrickSkinType, Sex
from tests.charts import DETAILS
from tests.everything import all_rows

WHOLE = PatientDetails(
    record_number="MRN 0042",
    name="Meera Iyer",
    birth_date=date(1961, 4, 23),
    sex=Sex.FEMALE,
    fitzpatrick_skin_type=FitzpatrickSkinType.V,
    phone="+91 98400 12345",
    email="meera@example.org",
    personal_hx_mm=False,
    family_hx_mm=True,
    notes="Works outdoors.\nAsks for a female doctor.",
    photo_consent_on=date(2025, 3, 1),
    photo_consent_wording="Photographs for my own care.",
)
TOMORROW = clock.today() + timedelta(days=1)


def register(database: Database, actor: Actor, details: PatientDetails = WHOLE, **more: Any) -> Patient:
    return patients.register_patient(database, actor, details=details, **more)


def test_a_patient_is_kept_as_registered(database: Database, staff: Actor) -> None:
    patient = register(database, staff)
    kept = patients.open_chart(database, staff, patient_id=patient.id)
    assert PatientDetails.of(kept) == WHOLE
    assert kept.version == 1
    assert clock.now() - kept.created_at < timedelta(minutes=1)
    assert patients.patient_history(database, staff, patient_id=patient.id) == []


def test_blanks_and_control_characters_are_left_out(database: Database, staff: Actor) -> None:
    typed = replace(DETAILS, record_number=" T-1\x00 ", name="  Meera \t Iyer\n", phone="  ", email="", notes=" \n ")
    patient = register(database, staff, typed)
    assert PatientDetails.of(patient) == replace(DETAILS, record_number="T-1", name="Meera Iyer")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("record_number", "  ", "record number is missing"),
        ("record_number", "x" * 65, "longer than 64"),
        ("name", "", "name is missing"),
        ("name", "x" * 201, "longer than 200"),
        ("birth_date", TOMORROW, "date of birth"),
        ("birth_date", date(1870, 1, 1), "date of birth"),
        ("phone", "123", "4 to 20 digits"),
        ("phone", "1" * 21, "4 to 20 digits"),
        ("phone", "call my daughter", "4 to 20 digits"),
        ("email", "meera@example", "not complete"),
        ("email", "meera iyer@example.org", "not complete"),
        ("photo_consent_on", None, "both its date and its wording"),
        ("photo_consent_wording", " ", "both its date and its wording"),
        ("photo_consent_on", TOMORROW, "in the future"),
        ("notes", "x" * 10_001, "longer than 10000"),
    ],
)
def test_what_cannot_be_right_is_refused_by_its_field(
    database: Database, staff: Actor, field: str, value: Any, sentence: str
) -> None:
    patient = register(database, staff)
    before = all_rows(database)
    wrong = replace(WHOLE, **{"record_number": "T-2", field: value})
    with pytest.raises(Invalid, match=sentence) as refused:
        register(database, staff, wrong, is_another_person=True)
    assert refused.value.field == ("photo_consent_on" if field == "photo_consent_wording" else field)
    with pytest.raises(Invalid, match=sentence):
        patients.edit_patient(database, staff, patient_id=patient.id, details=wrong, version=1)
    assert all_rows(database) == before


def test_a_record_number_belongs_to_one_patient(database: Database, staff: Actor) -> None:
    register(database, staff)
    other = register(database, staff, replace(DETAILS, name="Björn Lindqvist", record_number="B-1"))
    before = all_rows(database)
    taken = replace(DETAILS, name="Carmen Ortega", record_number=WHOLE.record_number)
    with pytest.raises(Conflict, match="belongs to another patient"):
        register(database, staff, taken)
    with pytest.raises(Conflict, match="belongs to another patient"):
        patients.edit_patient(database, staff, patient_id=other.id, details=taken, version=1)
    assert all_rows(database) == before


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"name": "Mira Iyer"},
        {"name": "Meera Ayer"},
        {"name": "IYER Meera"},
        {"name": "Meéra Iyer", "phone": None},
        {"name": "Meera Iyer", "birth_date": date(1961, 3, 24), "phone": None},
        {"name": "Meera Iyar", "birth_date": date(1971, 4, 23)},
        {"name": "Meera Iyer", "birth_date": date(1991, 1, 1), "phone": "098400-12345"},
    ],
)
def test_a_likely_duplicate_is_told_before_it_is_made(database: Database, staff: Actor, again: dict[str, Any]) -> None:
    first = register(database, staff)
    before = all_rows(database)
    details = replace(WHOLE, **{"record_number": "T-2", **again})
    with pytest.raises(LikelyDuplicate, match="may be registered already") as told:
        register(database, staff, details)
    assert told.value.candidates == [first.id]
    assert all_rows(database) == before
    second = register(database, staff, details, is_another_person=True)
    assert second.id != first.id


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Björn Lindqvist"},
        {"name": "Meera Nair", "phone": None},
        {"birth_date": date(1991, 4, 23), "phone": None},
        {"name": "Arjun Iyer", "birth_date": date(1990, 5, 1)},
    ],
)
def test_another_person_is_not_taken_for_one(database: Database, staff: Actor, other: dict[str, Any]) -> None:
    register(database, staff)
    register(database, staff, replace(WHOLE, **{"record_number": "T-2", **other}))


def test_two_desks_cannot_register_one_person_twice(database: Database, staff: Actor) -> None:
    """At the very same moment, under two record numbers: one is kept, the others are told."""
    outcomes = together(
        8, lambda number: register(database, staff, replace(WHOLE, record_number=f"T-{number}")), LikelyDuplicate
    )
    assert sorted(outcomes) == ["LikelyDuplicate"] * 7 + ["done"]
    assert len(all_rows(database)["patient"]) == 1


def test_two_desks_cannot_use_one_number_twice(database: Database, staff: Actor) -> None:
    names = ["Asha Raman", "Björn Lindqvist", "Carmen Ortega", "Daniel Okafor", "Elif Yıldız", "Farid Haddad"]
    outcomes = together(6, lambda number: register(database, staff, replace(DETAILS, name=names[number])), Conflict)
    assert sorted(outcomes) == ["Conflict"] * 5 + ["done"]


def test_an_edit_keeps_what_was_before(database: Database, staff: Actor, clinician: Actor) -> None:
    patient = register(database, staff)
    once = replace(WHOLE, name="Meera Iyer-Nair", phone=None)
    edited = patients.edit_patient(database, staff, patient_id=patient.id, details=once, version=1)
    twice = replace(once, personal_hx_mm=True)
    patients.edit_patient(database, clinician, patient_id=patient.id, details=twice, version=edited.version)

    kept = patients.open_chart(database, staff, patient_id=patient.id)
    assert (PatientDetails.of(kept), kept.version) == (twice, 3)
    changes = patients.patient_history(database, staff, patient_id=patient.id)
    assert [(change.field, change.before, change.after, change.user_name) for change in changes] == [
        ("personal_hx_mm", "False", "True", "clinician"),
        ("phone", "+91 98400 12345", None, "staff"),
        ("name", "Meera Iyer", "Meera Iyer-Nair", "staff"),
    ]
    assert all(clock.now() - change.at < timedelta(minutes=1) for change in changes)


def test_after_an_edit_the_new_words_find_the_patient_and_the_old_ones_do_not(database: Database, staff: Actor) -> None:
    patient = register(database, staff)
    details = replace(WHOLE, name="Kavya Menon", phone="+91 76543 20987")
    patients.edit_patient(database, staff, patient_id=patient.id, details=details, version=1)
    assert [found.id for found in patients.search_patients(database, staff, query="kavya 76543")] == [patient.id]
    assert patients.search_patients(database, staff, query="meera") == []
    assert patients.search_patients(database, staff, query="98400") == []


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(
    database: Database, staff: Actor, clinician: Actor
) -> None:
    patient = register(database, staff)
    seen = patient.version
    first = replace(WHOLE, notes="By the first.")
    patients.edit_patient(database, staff, patient_id=patient.id, details=first, version=seen)
    before = all_rows(database)
    with pytest.raises(Conflict, match="Somebody else changed this patient while you were editing"):
        patients.edit_patient(
            database, clinician, patient_id=patient.id, details=replace(WHOLE, notes="By the second."), version=seen
        )
    assert all_rows(database) == before
    assert PatientDetails.of(patients.open_chart(database, staff, patient_id=patient.id)) == first


def test_of_many_editors_at_one_moment_one_is_kept(database: Database, staff: Actor) -> None:
    patient = register(database, staff)

    def edit(number: int) -> None:
        details = replace(WHOLE, notes=f"Edit {number}.")
        patients.edit_patient(database, staff, patient_id=patient.id, details=details, version=1)

    outcomes = together(12, edit, Conflict)
    assert sorted(outcomes) == ["Conflict"] * 11 + ["done"]
    kept = patients.open_chart(database, staff, patient_id=patient.id)
    assert (kept.notes, kept.version) == (f"Edit {outcomes.index('done')}.", 2)
    assert len(patients.patient_history(database, staff, patient_id=patient.id)) == 1


def test_nobody_is_found_where_there_is_nobody(database: Database, staff: Actor) -> None:
    with pytest.raises(NotFound, match="no such patient"):
        patients.open_chart(database, staff, patient_id=1)
    with pytest.raises(NotFound, match="no such patient"):
        patients.edit_patient(database, staff, patient_id=1, details=WHOLE, version=1)
    assert patients.latest_patients(database, staff) == []


def test_the_latest_come_first(database: Database, staff: Actor) -> None:
    people = [
        register(database, staff, replace(DETAILS, record_number=f"T-{number}"), is_another_person=True)
        for number in range(5)
    ]
    latest = patients.latest_patients(database, staff, limit=3)
    assert [patient.id for patient in latest] == [patient.id for patient in people[:1:-1]]


@pytest.mark.parametrize(
    ("on", "age"), [(date(2024, 2, 28), 23), (date(2024, 2, 29), 24), (date(2023, 2, 28), 22), (date(2023, 3, 1), 23)]
)
def test_age(on: date, age: int) -> None:
    assert age_in_years(date(2000, 2, 29), on) == age


def together(count: int, action: Any, refusal: type[Exception]) -> list[str]:
    """Run `action` with the numbers 0 to `count` at one moment; "done" or the refusal's name of each."""
    start = Barrier(count)

    def act(number: int) -> str:
        start.wait()
        try:
            action(number)
        except refusal as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))
