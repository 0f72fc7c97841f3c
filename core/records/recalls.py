"""Recalls over the whole clinic: which are due, overdue or lost, and who called about them with what success.

Of patients under sequential monitoring 84 % came back after 3 months, 63 % after 6 and 30 % after 12 (Br J Dermatol
2008, 10.1111/j.1365-2133.2008.08649.x), so most of what a recall is worth lies in calling those who did not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from core.errors import Conflict, NotFound
from core.records import audit, clock, texts
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.judgements import hold_lesion
from core.records.tables import Lesion, Recall, RecallCall, User
from core.records.terms import CallOutcome

DUE_WITHIN = timedelta(days=14)
"""A recall is due from so long before its day, so that the patient can be given an appointment in time."""


class Standing(StrEnum):
    """How an open recall stands today."""

    LOST = "lost to follow-up"
    OVERDUE = "overdue"
    DUE = "due within two weeks"
    LATER = "later"


class Interval(StrEnum):
    """About how far ahead a recall was set: short-term monitoring is 2.5 to 4.5 months, then come 6 and 12."""

    SHORT = "about 3 months"
    MEDIUM = "about 6 months"
    LONG = "about 12 months"


LONGEST_DAYS = {Interval.SHORT: 137, Interval.MEDIUM: 273}
"""Up to 4.5 months, and up to 9; whatever is longer is LONG."""


@dataclass(frozen=True)
class LostRule:
    """A recall is lost to follow-up when it is overdue by more than `days` and `calls` calls in a row had no success.

    The only success is that the patient was reached. Until then it is overdue, however long.
    """

    days: int
    calls: int


@dataclass(frozen=True, kw_only=True)
class RecallFilter:
    """Which open recalls; None does not choose. `clinician_id` is who set the recall."""

    standings: tuple[Standing, ...] | None = None
    clinician_id: int | None = None
    interval: Interval | None = None


@dataclass(frozen=True)
class OpenRecall:
    """An open recall with lesion, patient, clinician and calls, newest first, and how it stands."""

    recall: Recall
    standing: Standing


@dataclass(frozen=True)
class Tally:
    """How many open recalls of one clinician, interval and standing there are."""

    clinician_id: int
    clinician: str
    interval: Interval
    standing: Standing
    count: int


@requires(Permission.READ_CHART)
def list_recalls(
    database: Database, actor: Actor, *, rule: LostRule, which: RecallFilter, limit: int | None = 50
) -> list[OpenRecall]:
    """Open recalls that fit, the longest overdue first, in a fixed number of queries."""
    standing = _standing(rule).label("standing")
    query = select(Recall, standing).join(Recall.lesion).join(Lesion.patient).join(Recall.user)
    query = query.where(Recall.closed_at.is_(None), *_fitting(which, rule))
    loading = (
        contains_eager(Recall.lesion).contains_eager(Lesion.patient),
        contains_eager(Recall.user),
        selectinload(Recall.calls).joinedload(RecallCall.user),
    )
    with database.reading() as session:
        rows = session.execute(query.order_by(Recall.due_on, Recall.id).limit(limit).options(*loading)).all()
    return [OpenRecall(recall, Standing(word)) for recall, word in rows]


@requires(Permission.READ_CHART)
def tally_recalls(database: Database, actor: Actor, *, rule: LostRule) -> list[Tally]:
    """All open recalls, counted by clinician, interval and standing, in one query."""
    standing, interval = _standing(rule).label("standing"), _interval().label("interval")
    each = select(Recall.user_id, interval, standing).where(Recall.closed_at.is_(None)).subquery()
    columns = (each.c.user_id, User.full_name, each.c.interval, each.c.standing)
    query = select(*columns, func.count()).join(User, User.id == each.c.user_id).group_by(*columns)
    with database.reading() as session:
        rows = session.execute(query.order_by(User.full_name, each.c.user_id)).all()
    return [Tally(id, name, Interval(length), Standing(word), count) for id, name, length, word, count in rows]


def by_standing(tallies: Sequence[Tally]) -> dict[Standing, int]:
    """The sums by standing, each of which has one."""
    found: Counter[Standing] = Counter()
    for tally in tallies:
        found[tally.standing] += tally.count
    return {standing: found[standing] for standing in Standing}


@requires(Permission.WRITE_CHART)
def log_call(
    database: Database, actor: Actor, *, recall_id: int, outcome: CallOutcome, notes: str | None = None
) -> RecallCall:
    """Note that somebody called about a recall. Raises Invalid, NotFound, and Conflict where it is open no more."""
    notes = texts.one_line(notes, field="notes", longest=200)
    with database.writing() as session:
        lesion_id = session.scalar(select(Recall.lesion_id).where(Recall.id == recall_id))
        if lesion_id is None:
            raise NotFound("There is no such recall.")
        patient_id = hold_lesion(session, lesion_id)
        if session.get_one(Recall, recall_id).closed_at is not None:
            raise Conflict("This recall was closed or replaced meanwhile. Look at the one that holds now.")
        call = RecallCall(recall_id=recall_id, at=clock.now(), user_id=actor.account(), outcome=outcome, notes=notes)
        session.add(call)
        session.flush()
        audit.record(session, actor, "recall.call", subject_type="lesion", subject_id=lesion_id, patient_id=patient_id)
    return call


@requires(Permission.READ_CHART)
def calls_of(database: Database, actor: Actor, *, recall_id: int) -> list[RecallCall]:
    """The calls about a recall with who called, newest first."""
    query = select(RecallCall).where(RecallCall.recall_id == recall_id).order_by(RecallCall.id.desc())
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(RecallCall.user))))


@requires(Permission.READ_CHART)
def take_out(database: Database, actor: Actor, *, recall_ids: Sequence[int], as_what: str) -> list[Recall]:
    """Open recalls with lesion, patient and clinician, to leave the clinic `as_what` ("letter", "calendar").

    Each is an entry in the audit trail. Those that are not there or open no more are left out.
    """
    query = select(Recall).where(Recall.id.in_(recall_ids), Recall.closed_at.is_(None))
    loading = (joinedload(Recall.lesion).joinedload(Lesion.patient), joinedload(Recall.user))
    with database.writing() as session:
        found = list(session.scalars(query.order_by(Recall.due_on, Recall.id).options(*loading)))
        for recall in found:
            audit.record(
                session,
                actor,
                f"recall.{as_what}",
                subject_type="lesion",
                subject_id=recall.lesion_id,
                patient_id=recall.lesion.patient_id,
            )
    return found


def _fitting(which: RecallFilter, rule: LostRule) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.standings is not None:
        conditions.append(_standing(rule).in_([standing.value for standing in which.standings]))
    if which.clinician_id is not None:
        conditions.append(Recall.user_id == which.clinician_id)
    if which.interval is not None:
        conditions.append(_interval() == which.interval.value)
    return conditions


def _standing(rule: LostRule) -> ColumnElement[str]:
    today = clock.today()
    lost = (Recall.due_on < today - timedelta(days=rule.days)) & (_calls_in_vain() >= rule.calls)
    return case(
        (lost, literal(Standing.LOST.value)),
        (Recall.due_on < today, literal(Standing.OVERDUE.value)),
        (Recall.due_on <= today + DUE_WITHIN, literal(Standing.DUE.value)),
        else_=literal(Standing.LATER.value),
    )


def _calls_in_vain() -> ColumnElement[int]:
    """How many calls there were since the patient was last reached."""
    success = aliased(RecallCall)
    reached = select(func.coalesce(func.max(success.id), 0)).where(
        success.recall_id == Recall.id, success.outcome == CallOutcome.REACHED
    )
    since = RecallCall.id > reached.correlate(Recall).scalar_subquery()
    calls = select(func.count(RecallCall.id)).where(RecallCall.recall_id == Recall.id, since)
    return calls.correlate(Recall).scalar_subquery()


def _interval() -> ColumnElement[str]:
    shorter = [(Recall.interval_days <= days, literal(name.value)) for name, days in LONGEST_DAYS.items()]
    return case(*shorter, else_=literal(Interval.LONG.value))
