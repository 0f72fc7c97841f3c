"""What clinicians mean to do about a lesion, and which biopsies and excisions wait for their pathology result."""

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased, joinedload

from core.records import audit, clock, texts
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.judgements import close_open, hold_lesion, replace_recall
from core.records.tables import Diagnosis, Lesion, Plan
from core.records.terms import ConfirmType, PlanKind

RECALL_DAYS = {PlanKind.RECALL_3: 91, PlanKind.RECALL_6: 182, PlanKind.RECALL_12: 365}
"""How far ahead the recall of such a plan is."""

AWAITS_PATHOLOGY = (PlanKind.BIOPSY, PlanKind.EXCISION)


@requires(Permission.DIAGNOSE)
def set_plan(
    database: Database,
    actor: Actor,
    *,
    lesion_id: int,
    kind: PlanKind,
    notes: str | None = None,
    withdraws_pathology: bool = False,
) -> Plan:
    """Say what is to be done about a lesion, in place of what was said before.

    A plan to recall sets the recall, and the plan NONE closes one that is open. A biopsy or an excision that waits for
    its pathology result goes on waiting, unless `withdraws_pathology` says that no result will come. Raises Invalid,
    NotFound.
    """
    notes = texts.notes(notes, field="notes", longest=1000)
    with database.writing() as session:
        patient_id = hold_lesion(session, lesion_id)
        plan = Plan(
            lesion_id=lesion_id,
            at=clock.now(),
            user_id=actor.account(),
            kind=kind,
            notes=notes,
            withdraws_pathology=withdraws_pathology,
        )
        session.add(plan)
        session.flush()
        audit.record(session, actor, "plan.set", subject_type="lesion", subject_id=lesion_id, patient_id=patient_id)
        if kind in RECALL_DAYS:
            due_on = clock.today() + timedelta(days=RECALL_DAYS[kind])
            replace_recall(session, actor, lesion_id=lesion_id, patient_id=patient_id, due_on=due_on, reason=None)
        elif kind is PlanKind.NONE and close_open(session, lesion_id):
            audit.record(
                session, actor, "recall.close", subject_type="lesion", subject_id=lesion_id, patient_id=patient_id
            )
    return plan


@requires(Permission.READ_CHART)
def plans_of(database: Database, actor: Actor, *, lesion_id: int) -> list[Plan]:
    """A lesion's plans with who made them, newest first; the first is the one that holds."""
    query = select(Plan).where(Plan.lesion_id == lesion_id).order_by(Plan.id.desc())
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(Plan.user))))


@requires(Permission.READ_CHART)
def awaited_of(database: Database, actor: Actor, *, lesion_id: int) -> Plan | None:
    """The biopsy or excision of a lesion that waits for its pathology result, if any."""
    with database.reading() as session:
        return session.scalar(select(Plan).where(Plan.lesion_id == lesion_id, *_waiting()))


@requires(Permission.READ_CHART)
def waiting_for_pathology(database: Database, actor: Actor, *, limit: int = 50) -> list[Plan]:
    """Biopsies and excisions without a pathology result, the longest waiting first, with lesion and patient."""
    query = select(Plan).where(*_waiting()).order_by(Plan.at, Plan.id).limit(limit)
    loading = (joinedload(Plan.lesion).joinedload(Lesion.patient), joinedload(Plan.user))
    with database.reading() as session:
        return list(session.scalars(query.options(*loading)))


@requires(Permission.READ_CHART)
def count_waiting_for_pathology(database: Database, actor: Actor) -> int:
    """How many there are of those."""
    with database.reading() as session:
        return session.scalar(select(func.count(Plan.id)).where(*_waiting())) or 0


def _waiting() -> tuple[ColumnElement[bool], ...]:
    """The newest biopsy or excision of its lesion; no diagnosis by histopathology since, and not withdrawn."""
    later = aliased(Plan)
    of_same = (later.lesion_id == Plan.lesion_id, later.id > Plan.id)
    result = exists().where(
        Diagnosis.lesion_id == Plan.lesion_id,
        Diagnosis.confirm_type == ConfirmType.HISTOPATHOLOGY,
        Diagnosis.at > Plan.at,
    )
    return (
        Plan.kind.in_(AWAITS_PATHOLOGY),
        ~exists().where(*of_same, later.kind.in_(AWAITS_PATHOLOGY) | later.withdraws_pathology),
        ~result,
    )
