"""Checklists that clinicians fill in for a lesion at a visit. What was scored stays; the next score is another row."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import checklists
from core.checklists import Advice, Colour, SevenPoint, Structure
from core.errors import Invalid, NotFound
from core.records import audit, clock
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import ChecklistScore, Lesion, Visit
from core.records.terms import Checklist


@requires(Permission.DIAGNOSE)
def score_seven_points(
    database: Database, actor: Actor, *, lesion_id: int, visit_id: int, features: Collection[SevenPoint]
) -> ChecklistScore:
    """Score a lesion by the weighted 7-point checklist. Raises NotFound, and Invalid for another patient's visit."""
    return _keep(
        database,
        actor,
        lesion_id=lesion_id,
        visit_id=visit_id,
        checklist=Checklist.SEVEN_POINT,
        answers={"features": _in_order(SevenPoint, features)},
        score=checklists.seven_point_score(features),
    )


@requires(Permission.DIAGNOSE)
def score_abcd(
    database: Database,
    actor: Actor,
    *,
    lesion_id: int,
    visit_id: int,
    asymmetry: int,
    border: int,
    colours: Collection[Colour],
    structures: Collection[Structure],
) -> ChecklistScore:
    """Score a lesion by the ABCD rule of dermoscopy; arguments as in `core.checklists.total_dermoscopy_score`.

    Raises Invalid, also for another patient's visit, and NotFound.
    """
    return _keep(
        database,
        actor,
        lesion_id=lesion_id,
        visit_id=visit_id,
        checklist=Checklist.ABCD,
        answers={
            "asymmetry": asymmetry,
            "border": border,
            "colours": _in_order(Colour, colours),
            "structures": _in_order(Structure, structures),
        },
        score=checklists.total_dermoscopy_score(
            asymmetry=asymmetry, border=border, colours=colours, structures=structures
        ),
    )


@requires(Permission.READ_CHART)
def scores_of(database: Database, actor: Actor, *, lesion_id: int) -> list[ChecklistScore]:
    """A lesion's scores with visit and who scored, newest first."""
    query = select(ChecklistScore).where(ChecklistScore.lesion_id == lesion_id).order_by(ChecklistScore.id.desc())
    loading = (joinedload(ChecklistScore.user), joinedload(ChecklistScore.visit))
    with database.reading() as session:
        return list(session.scalars(query.options(*loading)))


def advice_of(score: ChecklistScore) -> Advice:
    """What the source of the checklist says of a score."""
    if score.checklist is Checklist.ABCD:
        return checklists.total_dermoscopy_advice(score.score)
    return checklists.seven_point_advice(score.score)


def _in_order(terms: type[SevenPoint] | type[Colour] | type[Structure], chosen: Collection[str]) -> list[str]:
    return [str(term) for term in terms if term in chosen]


def _keep(
    database: Database,
    actor: Actor,
    *,
    lesion_id: int,
    visit_id: int,
    checklist: Checklist,
    answers: dict[str, Any],
    score: float,
) -> ChecklistScore:
    with database.writing() as session:
        lesion, visit = session.get(Lesion, lesion_id), session.get(Visit, visit_id)
        if lesion is None:
            raise NotFound("There is no such lesion.")
        if visit is None:
            raise NotFound("There is no such visit.")
        if visit.patient_id != lesion.patient_id:
            raise Invalid("The visit and the lesion belong to two different patients.")
        row = ChecklistScore(
            lesion_id=lesion_id,
            visit_id=visit_id,
            at=clock.now(),
            user_id=actor.account(),
            checklist=checklist,
            answers=answers,
            score=score,
        )
        session.add(row)
        session.flush()
        audit.record(
            session,
            actor,
            "checklist.score",
            subject_type="lesion",
            subject_id=lesion_id,
            patient_id=lesion.patient_id,
        )
    return row
