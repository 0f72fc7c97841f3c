"""The audit trail: who did what to which thing, when and from where. It holds no clinical content and only grows."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from core.records import clock
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import AuditEntry, Patient

SAME_LOOK = timedelta(minutes=5)
"""A page runs again at every click; looks at one thing by one person within this time are one entry."""


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    subject_type: str | None = None,
    subject_id: int | None = None,
    patient_id: int | None = None,
) -> None:
    """Add an entry to the running transaction, so that a change and its entry are kept together or not at all."""
    session.add(
        AuditEntry(
            at=clock.now(),
            user_id=actor.user_id,
            user_name=actor.name,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            patient_id=patient_id,
            address=actor.address,
        )
    )


def record_look(database: Database, actor: Actor, action: str, *, patient_id: int | None = None) -> None:
    """Note that `actor` looked, unless the same look was noted less than SAME_LOOK ago."""
    recent = select(AuditEntry.id).where(
        AuditEntry.user_id == actor.user_id,
        AuditEntry.action == action,
        AuditEntry.subject_id == patient_id if patient_id is not None else AuditEntry.subject_id.is_(None),
        AuditEntry.address == actor.address,
        AuditEntry.at > clock.now() - SAME_LOOK,
    )
    with database.reading() as session:
        if session.scalar(recent.limit(1)) is not None:
            return
    subject_type = "patient" if patient_id is not None else None
    with database.writing() as session:
        record(session, actor, action, subject_type=subject_type, subject_id=patient_id, patient_id=patient_id)


def record_looks(database: Database, actor: Actor, action: str, *, patient_ids: Collection[int]) -> None:
    """As `record_look` for each of several patients, in one query and at most one transaction."""
    recent = select(AuditEntry.subject_id).where(
        AuditEntry.user_id == actor.user_id,
        AuditEntry.action == action,
        AuditEntry.subject_id.in_(patient_ids),
        AuditEntry.address == actor.address,
        AuditEntry.at > clock.now() - SAME_LOOK,
    )
    with database.reading() as session:
        unnoted = sorted(set(patient_ids) - set(session.scalars(recent)))
    if unnoted:
        with database.writing() as session:
            for patient_id in unnoted:
                record(session, actor, action, subject_type="patient", subject_id=patient_id, patient_id=patient_id)


@requires(Permission.ADMINISTER)
def search_audit(
    database: Database,
    actor: Actor,
    *,
    user_name: str | None = None,
    action: str | None = None,
    record_number: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 500,
) -> list[AuditEntry]:
    """The newest entries that fit every filter given, newest first, with the patient where there still is one.

    The search is itself an entry.
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit).options(joinedload(AuditEntry.patient))
    if user_name:
        query = query.where(AuditEntry.user_name == user_name)
    if action:
        query = query.where(AuditEntry.action == action)
    if record_number:
        query = query.join(AuditEntry.patient).where(Patient.record_number == record_number)
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    if until is not None:
        query = query.where(AuditEntry.at < until)
    with database.reading() as session:
        entries = list(session.scalars(query))
    record_look(database, actor, "audit.search")
    return entries


@requires(Permission.ADMINISTER)
def audit_actions(database: Database, actor: Actor) -> list[str]:
    """Every action that stands in the trail, in alphabetical order."""
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))
