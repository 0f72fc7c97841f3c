"""What clinicians decide about a lesion: the diagnosis, and when to look again."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from core import taxonomy
from core.errors import Conflict, Invalid, NotFound
from core.records import audit, clock, readings, texts
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import Diagnosis, Image, Lesion, Recall, StoredReading
from core.records.terms import ConfirmType

DIAGNOSES: tuple[str, ...] = tuple(sorted(term.name for term in taxonomy.TERMS))
"""The diagnoses offered first; any other may be written out."""


@requires(Permission.DIAGNOSE)
def record_diagnosis(
    database: Database,
    actor: Actor,
    *,
    lesion_id: int,
    name: str,
    confirm_type: ConfirmType,
    notes: str | None = None,
    seen_reading_ids: Collection[int] = (),
) -> Diagnosis:
    """Record what a clinician or a pathologist says of a lesion; it supersedes what was said before.

    `seen_reading_ids` are the lesion's readings that were before the clinician's eyes: they count as reviewed, and one
    that came meanwhile, with a new image or one moved here, does not. Raises Invalid, NotFound.
    """
    name = texts.required(name, field="name", longest=200, missing="The diagnosis is missing.")
    notes = texts.notes(notes, field="notes")
    with database.writing() as session:
        patient_id = hold_lesion(session, lesion_id)
        before = select(func.max(Diagnosis.id)).where(Diagnosis.lesion_id == lesion_id)
        diagnosis = Diagnosis(
            lesion_id=lesion_id,
            supersedes_id=session.scalar(before),
            at=clock.now(),
            user_id=actor.account(),
            name=name,
            confirm_type=confirm_type,
            notes=notes,
        )
        session.add(diagnosis)
        session.flush()
        if seen_reading_ids:
            readings.review_all(session, actor, Image.lesion_id == lesion_id, StoredReading.id.in_(seen_reading_ids))
        audit.record(
            session, actor, "diagnosis.record", subject_type="lesion", subject_id=lesion_id, patient_id=patient_id
        )
    return diagnosis


@requires(Permission.READ_CHART)
def diagnoses_of(database: Database, actor: Actor, *, lesion_id: int) -> list[Diagnosis]:
    """A lesion's diagnoses, newest first; the first is the one in force."""
    query = select(Diagnosis).where(Diagnosis.lesion_id == lesion_id).order_by(Diagnosis.id.desc())
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(Diagnosis.user))))


@requires(Permission.DIAGNOSE)
def set_recall(database: Database, actor: Actor, *, lesion_id: int, due_on: date, reason: str | None = None) -> Recall:
    """Say when to look at a lesion again, in place of what was said before. Raises Invalid, NotFound."""
    if due_on <= clock.today():
        raise Invalid("A recall lies in the future.", field="due_on")
    reason = texts.one_line(reason, field="reason", longest=200)
    with database.writing() as session:
        patient_id = hold_lesion(session, lesion_id)
        return replace_recall(session, actor, lesion_id=lesion_id, patient_id=patient_id, due_on=due_on, reason=reason)


@requires(Permission.WRITE_CHART)
def close_recall(database: Database, actor: Actor, *, recall_id: int) -> None:
    """Note that the patient has been seen. Raises NotFound, and Conflict where the recall is open no more."""
    with database.writing() as session:
        lesion_id = session.scalar(select(Recall.lesion_id).where(Recall.id == recall_id))
        if lesion_id is None:
            raise NotFound("There is no such recall.")
        # The lesion is locked before its recall, as in `set_recall`: the other way round two could wait for each other.
        patient_id = hold_lesion(session, lesion_id)
        recall = session.get_one(Recall, recall_id)
        if recall.closed_at is not None:
            raise Conflict("This recall was closed or replaced meanwhile. Look at the one that holds now.")
        recall.closed_at = clock.now()
        audit.record(session, actor, "recall.close", subject_type="lesion", subject_id=lesion_id, patient_id=patient_id)


@requires(Permission.READ_CHART)
def open_recall(database: Database, actor: Actor, *, lesion_id: int) -> Recall | None:
    """The recall that is open for a lesion, if any."""
    with database.reading() as session:
        return session.scalar(select(Recall).where(Recall.lesion_id == lesion_id, Recall.closed_at.is_(None)))


def hold_lesion(session: Session, lesion_id: int) -> int:
    """Keep others from judging a lesion until the running transaction ends; its patient's id. Raises NotFound."""
    lesion = session.get(Lesion, lesion_id, with_for_update=True)
    if lesion is None:
        raise NotFound("There is no such lesion.")
    return lesion.patient_id


def replace_recall(
    session: Session, actor: Actor, *, lesion_id: int, patient_id: int, due_on: date, reason: str | None
) -> Recall:
    """In the running transaction, which holds the lesion, set a recall in the place of the one that is open."""
    close_open(session, lesion_id)
    recall = Recall(lesion_id=lesion_id, due_on=due_on, reason=reason, set_at=clock.now(), user_id=actor.account())
    session.add(recall)
    session.flush()
    audit.record(session, actor, "recall.set", subject_type="lesion", subject_id=lesion_id, patient_id=patient_id)
    return recall


def close_open(session: Session, lesion_id: int) -> bool:
    """In the running transaction, which holds the lesion, close its open recall; whether there was one."""
    query = select(Recall).where(Recall.lesion_id == lesion_id, Recall.closed_at.is_(None))
    found = list(session.scalars(query))
    for recall in found:
        recall.closed_at = clock.now()
    session.flush()
    return bool(found)
