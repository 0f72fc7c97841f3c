"""Patients: register, find, look at, edit."""

import re
from dataclasses import asdict, dataclass, fields, replace
from datetime import date

from rapidfuzz import fuzz
from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.errors import Conflict, Invalid, LikelyDuplicate, NotFound
from core.records import audit, clock, patient_search, texts
from core.records.actor import Actor, Permission, requires
from core.records.changes import record_changes
from core.records.database import Database
from core.records.search_terms import PHONE_KEY, digits, fold, query_words, same_phone, terms_of
from core.records.tables import Patient, PatientChange, PatientSearchTerm
from core.records.terms import FitzpatrickSkinType, Sex

SIMILAR_NAMES = 80
"""Names at least this alike (rapidfuzz's token_sort_ratio, 0 to 100) may be one person's."""

OLDEST = 130
"""Years that nobody has lived."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class PatientDetails:
    """What is asked of a patient at the desk, and what may be edited later.

    `personal_hx_mm` and `family_hx_mm` are the history of melanoma (ISIC's names), None where nobody asked. Photo
    consent is the date on which it was given and the wording that was agreed to, or neither.
    """

    record_number: str
    name: str
    birth_date: date
    sex: Sex
    fitzpatrick_skin_type: FitzpatrickSkinType | None = None
    phone: str | None = None
    email: str | None = None
    personal_hx_mm: bool | None = None
    family_hx_mm: bool | None = None
    notes: str | None = None
    photo_consent_on: date | None = None
    photo_consent_wording: str | None = None

    @classmethod
    def of(cls, patient: Patient) -> "PatientDetails":
        """The details as they stand in a record."""
        return cls(**{field.name: getattr(patient, field.name) for field in fields(cls)})

    def cleaned(self) -> "PatientDetails":
        """The same with blanks trimmed. Raises Invalid, with the field's name, for what cannot be right."""
        number = texts.required(
            self.record_number, field="record_number", longest=64, missing="The record number is missing."
        )
        details = replace(
            self,
            record_number=number,
            name=texts.required(self.name, field="name", longest=200, missing="The name is missing."),
            phone=texts.one_line(self.phone, field="phone", longest=40),
            email=texts.one_line(self.email, field="email", longest=254),
            notes=texts.notes(self.notes, field="notes"),
            photo_consent_wording=texts.notes(self.photo_consent_wording, field="photo_consent_wording"),
        )
        _check(details)
        return details


def _check(details: PatientDetails) -> None:
    today = clock.today()
    if not today.year - OLDEST <= details.birth_date.year or details.birth_date > today:
        raise Invalid("The date of birth is not a possible one.", field="birth_date")
    if details.email and not _EMAIL.fullmatch(details.email):
        raise Invalid("The email address is not complete.", field="email")
    if details.phone and not 4 <= len(digits(details.phone)) <= 20:
        raise Invalid("A phone number has 4 to 20 digits.", field="phone")
    if (details.photo_consent_on is None) != (details.photo_consent_wording is None):
        raise Invalid("Photo consent needs both its date and its wording.", field="photo_consent_on")
    if details.photo_consent_on and details.photo_consent_on > today:
        raise Invalid("Photo consent cannot have been given in the future.", field="photo_consent_on")


@requires(Permission.WRITE_CHART)
def register_patient(
    database: Database, actor: Actor, *, details: PatientDetails, is_another_person: bool = False
) -> Patient:
    """Open a chart.

    Raises Invalid for what cannot be right, Conflict where the record number is taken, and LikelyDuplicate where the
    patient may have a chart already, unless `is_another_person` says that somebody has compared them.
    """
    details = details.cleaned()
    with database.writing() as session:
        # Two desks may register one person at the same moment; the second finds what the first kept.
        database.take_turns(session, "register a patient")
        _refuse_taken_number(session, details.record_number)
        candidates = [] if is_another_person else _likely_duplicates(session, details)
        if candidates:
            raise LikelyDuplicate(
                "This patient may be registered already.", candidates=[candidate.id for candidate in candidates]
            )
        patient = Patient(**asdict(details), sort_name=fold(details.name), created_at=clock.now())
        session.add(patient)
        _flush(session)
        _index(session, patient)
        audit.record(
            session, actor, "patient.register", subject_type="patient", subject_id=patient.id, patient_id=patient.id
        )
    return patient


@requires(Permission.WRITE_CHART)
def edit_patient(
    database: Database, actor: Actor, *, patient_id: int, details: PatientDetails, version: int
) -> Patient:
    """Change a patient's details, keeping what they were before.

    `version` is the version that the editor saw. Raises Conflict where the record was changed since, or the record
    number is taken; Invalid; NotFound.
    """
    details = details.cleaned()
    with database.writing() as session:
        patient = session.get(Patient, patient_id, with_for_update=True)
        if patient is None:
            raise NotFound("There is no such patient.")
        if patient.version != version:
            raise Conflict("Somebody else changed this patient while you were editing. Nothing of yours was saved.")
        if details.record_number != patient.record_number:
            _refuse_taken_number(session, details.record_number)
        _apply(session, actor, patient, details)
        patient.sort_name = fold(details.name)
        _flush(session)
        session.execute(delete(PatientSearchTerm).where(PatientSearchTerm.patient_id == patient_id))
        _index(session, patient)
        audit.record(
            session, actor, "patient.edit", subject_type="patient", subject_id=patient_id, patient_id=patient_id
        )
    return patient


@requires(Permission.READ_CHART)
def search_patients(database: Database, actor: Actor, *, query: str, limit: int = 20) -> list[Patient]:
    """Patients whom every word of `query` fits, by name; the words may be of name, record number, phone, birth date.

    Words are fitted by their beginnings. An empty query finds nobody.
    """
    words = query_words(query)
    if not words:
        return []
    with database.reading() as session:
        patients = patient_search.find(session, words, limit=limit)
    audit.record_look(database, actor, "patient.search")
    return patients


@requires(Permission.READ_CHART)
def latest_patients(database: Database, actor: Actor, *, limit: int = 20) -> list[Patient]:
    """Those registered last, newest first."""
    with database.reading() as session:
        patients = list(session.scalars(select(Patient).order_by(Patient.id.desc()).limit(limit)))
    audit.record_look(database, actor, "patient.search")
    return patients


@requires(Permission.READ_CHART)
def open_chart(database: Database, actor: Actor, *, patient_id: int) -> Patient:
    """The patient, for whoever opens the chart; the look is noted. Raises NotFound."""
    with database.reading() as session:
        patient = session.get(Patient, patient_id)
    if patient is None:
        raise NotFound("There is no such patient.")
    audit.record_look(database, actor, "patient.look", patient_id=patient_id)
    return patient


@requires(Permission.READ_CHART)
def patient_history(database: Database, actor: Actor, *, patient_id: int) -> list[PatientChange]:
    """What was changed in a patient's details, visits and images, newest first."""
    query = select(PatientChange).where(PatientChange.patient_id == patient_id).order_by(PatientChange.id.desc())
    with database.reading() as session:
        return list(session.scalars(query))


@requires(Permission.READ_CHART)
def patients_by_id(database: Database, actor: Actor, *, patient_ids: list[int]) -> list[Patient]:
    """The patients of those ids, by name; each look is noted."""
    with database.reading() as session:
        found = list(session.scalars(select(Patient).where(Patient.id.in_(patient_ids)).order_by(Patient.sort_name)))
    for patient in found:
        audit.record_look(database, actor, "patient.look", patient_id=patient.id)
    return found


def age_in_years(birth_date: date, on: date) -> int:
    """Completed years of life on a day."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def _refuse_taken_number(session: Session, record_number: str) -> None:
    if session.scalar(select(Patient.id).where(Patient.record_number == record_number)) is not None:
        raise Conflict("That record number belongs to another patient.")


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("That record number belongs to another patient.") from error
    except StaleDataError as error:
        raise Conflict("Somebody else changed this patient at the same moment. Nothing was saved.") from error


def _index(session: Session, patient: Patient) -> None:
    terms = terms_of(
        name=patient.name, record_number=patient.record_number, birth_date=patient.birth_date, phone=patient.phone
    )
    session.add_all(PatientSearchTerm(patient_id=patient.id, term=term) for term in sorted(terms))


def _apply(session: Session, actor: Actor, patient: Patient, details: PatientDetails) -> None:
    fields = asdict(details)
    changes = {field: (getattr(patient, field), after) for field, after in fields.items()}
    for field, (before, after) in changes.items():
        if before != after:
            setattr(patient, field, after)
    record_changes(session, actor, patient_id=patient.id, changes=changes)


def _likely_duplicates(session: Session, details: PatientDetails) -> list[Patient]:
    """Patients with a similar name and the same birth date or phone, or with the very same name and birth year."""
    same = [Patient.birth_date == details.birth_date, Patient.sort_name == fold(details.name)]
    if number := digits(details.phone or ""):
        by_phone = select(PatientSearchTerm.patient_id).where(PatientSearchTerm.term == number[-PHONE_KEY:])
        same.append(Patient.id.in_(by_phone))
    near = session.scalars(select(Patient).where(or_(*same)).limit(1000))
    return [patient for patient in near if _resembles(patient, details)]


def _resembles(patient: Patient, details: PatientDetails) -> bool:
    if fuzz.token_sort_ratio(patient.sort_name, fold(details.name)) < SIMILAR_NAMES:
        return False
    return patient.birth_date.year == details.birth_date.year or same_phone(patient.phone, details.phone)
