"""What was decided about a lesion, in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import Diagnosis, Plan, Recall, StateOfLesion
from core.records.terms import PlanKind

PROCEDURES = (PlanKind.BIOPSY, PlanKind.EXCISION, PlanKind.REFERRAL)
"""The plans that send the patient to something being done; what else is planned is a recall."""


@dataclass(frozen=True)
class Decisions:
    """The diagnoses, states, planned procedures and recalls of a lesion, open and closed, each oldest first."""

    diagnoses: Sequence[Diagnosis]
    states: Sequence[StateOfLesion]
    procedures: Sequence[Plan]
    recalls: Sequence[Recall]


@requires(Permission.READ_CHART)
def decisions_on(database: Database, actor: Actor, *, lesion_id: int) -> Decisions:
    """All that was decided about a lesion."""
    with database.reading() as session:
        return Decisions(
            diagnoses=session.scalars(
                select(Diagnosis).where(Diagnosis.lesion_id == lesion_id).order_by(Diagnosis.id)
            ).all(),
            states=session.scalars(
                select(StateOfLesion).where(StateOfLesion.lesion_id == lesion_id).order_by(StateOfLesion.id)
            ).all(),
            procedures=session.scalars(
                select(Plan).where(Plan.lesion_id == lesion_id, Plan.kind.in_(PROCEDURES)).order_by(Plan.id)
            ).all(),
            recalls=session.scalars(select(Recall).where(Recall.lesion_id == lesion_id).order_by(Recall.id)).all(),
        )
