"""Visits: log one, put right what was logged, look at it, list them."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.errors import Conflict, Invalid, NotFound
from core.records import audit, clock, texts
from core.records.actor import PERMISSIONS, Actor, Permission, requires
from core.records.changes import record_changes
from core.records.database import Database
from core.records.tables import Image, Patient, StoredReading, User, Visit

LONGEST_REASON = 200


@requires(Permission.WRITE_CHART)
def log_visit(
    database: Database,
    actor: Actor,
    *,
    patient_id: int,
    at: datetime,
    reason: str,
    clinician_id: int | None = None,
    notes: str | None = None,
) -> Visit:
    """Log a visit at a moment (aware). Raises Invalid, NotFound."""
    reason, notes = _cleaned(reason, notes)
    with database.writing() as session:
        patient = session.get(Patient, patient_id)
        if patient is None:
            raise NotFound("There is no such patient.")
        _check_moment(at, patient)
        _require_clinician(session, clinician_id)
        visit = Visit(patient_id=patient_id, at=at, reason=reason, clinician_id=clinician_id, notes=notes)
        session.add(visit)
        session.flush()
        audit.record(session, actor, "visit.log", subject_type="visit", subject_id=visit.id, patient_id=patient_id)
    return visit


def as_logged(visit: Visit) -> tuple[object, ...]:
    """All of a visit that can be edited, to tell whether it was changed since somebody saw it."""
    return visit.at, visit.reason, visit.clinician_id, visit.notes


@requires(Permission.WRITE_CHART)
def edit_visit(
    database: Database,
    actor: Actor,
    *,
    visit_id: int,
    seen: Visit,
    at: datetime,
    reason: str,
    clinician_id: int | None = None,
    notes: str | None = None,
) -> Visit:
    """Put right what was logged of a visit, keeping what it was before; `seen` is the visit as the editor saw it.

    Raises Conflict where it was changed since, Invalid, NotFound.
    """
    reason, notes = _cleaned(reason, notes)
    with database.writing() as session:
        visit = session.get(Visit, visit_id, with_for_update=True)
        if visit is None:
            raise NotFound("There is no such visit.")
        if as_logged(visit) != as_logged(seen):
            raise Conflict("Somebody else changed this visit while you were editing. Nothing of yours was saved.")
        _check_moment(at, session.get_one(Patient, visit.patient_id))
        if clinician_id != visit.clinician_id:
            _require_clinician(session, clinician_id)
        was_at = f"{visit.at.astimezone():%Y-%m-%d %H:%M}"
        changes = {
            "time": (was_at, f"{at.astimezone():%Y-%m-%d %H:%M}"),
            "reason": (visit.reason, reason),
            "clinician": (_name(session, visit.clinician_id), _name(session, clinician_id)),
            "notes": (visit.notes, notes),
        }
        visit.at, visit.reason, visit.clinician_id, visit.notes = at, reason, clinician_id, notes
        named = {f"visit of {was_at}: {field}": change for field, change in changes.items()}
        record_changes(session, actor, patient_id=visit.patient_id, changes=named)
        audit.record(
            session, actor, "visit.edit", subject_type="visit", subject_id=visit_id, patient_id=visit.patient_id
        )
    return visit


@requires(Permission.READ_CHART)
def get_visit(database: Database, actor: Actor, *, visit_id: int) -> Visit:
    """One visit with its patient and clinician. Raises NotFound."""
    query = select(Visit).where(Visit.id == visit_id)
    with database.reading() as session:
        visit = session.scalar(query.options(joinedload(Visit.patient), joinedload(Visit.clinician)))
    if visit is None:
        raise NotFound("There is no such visit.")
    audit.record_look(database, actor, "patient.look", patient_id=visit.patient_id)
    return visit


@requires(Permission.READ_CHART)
def visits_of(database: Database, actor: Actor, *, patient_id: int) -> list[Visit]:
    """A patient's visits, newest first."""
    query = select(Visit).where(Visit.patient_id == patient_id).order_by(Visit.at.desc())
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(Visit.clinician))))


@requires(Permission.READ_CHART)
def visits_on(database: Database, actor: Actor, *, day: date) -> list[Visit]:
    """The visits of a day where the clinic is, in time order, with their patients."""
    start = datetime.combine(day, datetime.min.time()).astimezone()
    end = datetime.combine(day + timedelta(days=1), datetime.min.time()).astimezone()
    query = select(Visit).where(Visit.at >= start, Visit.at < end).order_by(Visit.at)
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(Visit.patient), joinedload(Visit.clinician))))


@requires(Permission.READ_CHART)
def images_of_visit(database: Database, actor: Actor, *, visit_id: int) -> list[Image]:
    """The images taken at a visit, in the order they were added, with lesion and readings."""
    query = select(Image).where(Image.visit_id == visit_id).order_by(Image.id)
    loading = (joinedload(Image.lesion), joinedload(Image.visit))
    readings = selectinload(Image.readings).options(selectinload(StoredReading.review))
    with database.reading() as session:
        return list(session.scalars(query.options(*loading, readings)))


def _cleaned(reason: str, notes: str | None) -> tuple[str, str | None]:
    reason = texts.required(
        reason, field="reason", longest=LONGEST_REASON, missing="What is the visit for? The reason is missing."
    )
    return reason, texts.notes(notes, field="notes")


def _check_moment(at: datetime, patient: Patient) -> None:
    if at > clock.now() + timedelta(days=1):
        raise Invalid("A visit is logged when it happens, not ahead of time.", field="at")
    if at.astimezone().date() < patient.birth_date:
        raise Invalid("The visit lies before the patient's birth.", field="at")


def _name(session: Session, user_id: int | None) -> str | None:
    if user_id is None:
        return None
    user = session.get_one(User, user_id)
    # Two people may have one full name; no two sign in by one.
    return f"{user.full_name} ({user.name})"


def _require_clinician(session: Session, clinician_id: int | None) -> None:
    if clinician_id is None:
        return
    user = session.get(User, clinician_id)
    if user is None or user.disabled_at is not None or Permission.DIAGNOSE not in PERMISSIONS[user.role]:
        raise Invalid("That account is not a clinician's.", field="clinician_id")
