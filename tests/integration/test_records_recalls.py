"""Recalls over the clinic, calls about them, plans, and what waits for pathology."""

from datetime import date, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import event, update

from core.errors import Conflict, Invalid, NotFound
from core.exchange.recall_calendar import recall_calendar
from core.records import audit, clock, judgements, plans, recalls
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.recalls import Interval, LostRule, RecallFilter, Standing
from core.records.tables import Lesion, Recall
from core.records.terms import CallOutcome, ConfirmType, PlanKind
from tests.charts import Charts
from tests.everything import all_rows

RULE = LostRule(days=90, calls=3)


def recall(database: Database, actor: Actor, lesion: Lesion, *, due_in: int, months: int = 3) -> Recall:
    """A recall that was set so many months before it is due."""
    set_ = judgements.set_recall(database, actor, lesion_id=lesion.id, due_on=clock.today() + timedelta(days=1))
    days = round(months * 30.4)
    with database.writing() as session:
        values = {"due_on": clock.today() + timedelta(days=due_in), "interval_days": days}
        session.execute(update(Recall).where(Recall.id == set_.id).values(values))
    return set_


def call(database: Database, actor: Actor, of: Recall, *outcomes: CallOutcome) -> None:
    for outcome in outcomes:
        recalls.log_call(database, actor, recall_id=of.id, outcome=outcome)


def standing(database: Database, actor: Actor, of: Recall, rule: LostRule = RULE) -> Standing:
    found = recalls.list_recalls(database, actor, rule=rule, which=RecallFilter())
    (only,) = [one.standing for one in found if one.recall.id == of.id]
    return only


@pytest.mark.parametrize(
    ("due_in", "expected"),
    [(15, Standing.LATER), (14, Standing.DUE), (0, Standing.DUE), (-1, Standing.OVERDUE), (-400, Standing.OVERDUE)],
)
def test_how_a_recall_stands(
    database: Database, charts: Charts, clinician: Actor, due_in: int, expected: Standing
) -> None:
    one = recall(database, clinician, charts.lesion(charts.patient()), due_in=due_in)
    assert standing(database, clinician, one) is expected


def test_lost_takes_both_time_and_calls_in_vain(database: Database, charts: Charts, clinician: Actor) -> None:
    lesion = charts.lesion(charts.patient())
    for due_in, calls, expected in (
        (-91, [], Standing.OVERDUE),
        (-91, [CallOutcome.NO_ANSWER, CallOutcome.MOVED], Standing.OVERDUE),
        (-91, [CallOutcome.NO_ANSWER, CallOutcome.WRONG_NUMBER, CallOutcome.DECLINED], Standing.LOST),
        (-90, [CallOutcome.NO_ANSWER] * 3, Standing.OVERDUE),
        # Who was reached said that they would come: the count begins anew.
        (-91, [CallOutcome.NO_ANSWER] * 3 + [CallOutcome.REACHED], Standing.OVERDUE),
        (-91, [CallOutcome.REACHED] + [CallOutcome.NO_ANSWER] * 3, Standing.LOST),
    ):
        one = recall(database, clinician, lesion, due_in=due_in)
        call(database, clinician, one, *calls)
        assert standing(database, clinician, one) is expected, (due_in, calls)
    assert standing(database, clinician, one, LostRule(days=91, calls=3)) is Standing.OVERDUE
    assert standing(database, clinician, one, LostRule(days=90, calls=4)) is Standing.OVERDUE


def test_recalls_are_listed_counted_and_chosen(
    database: Database, charts: Charts, clinician: Actor, administrator: Actor
) -> None:
    made = {}
    for due_in, months, who in (
        (-30, 3, clinician),
        (-5, 6, clinician),
        (5, 12, administrator),
        (60, 3, administrator),
    ):
        lesion = charts.lesion(charts.patient())
        made[due_in] = recall(database, who, lesion, due_in=due_in, months=months).id
    closed = recall(database, clinician, charts.lesion(charts.patient()), due_in=-50)
    judgements.close_recall(database, clinician, recall_id=closed.id)

    def listed(**which: object) -> list[int]:
        found = recalls.list_recalls(database, clinician, rule=RULE, which=RecallFilter(**which))  # type: ignore[arg-type]
        return [one.recall.id for one in found]

    assert listed() == [made[-30], made[-5], made[5], made[60]]
    assert listed(standings=(Standing.OVERDUE, Standing.DUE)) == [made[-30], made[-5], made[5]]
    assert listed(standings=(Standing.LOST,)) == []
    assert listed(clinician_id=administrator.user_id) == [made[5], made[60]]
    assert listed(interval=Interval.SHORT) == [made[-30], made[60]]
    assert listed(interval=Interval.MEDIUM, clinician_id=administrator.user_id) == []
    first = recalls.list_recalls(database, clinician, rule=RULE, which=RecallFilter(), limit=1)
    assert [one.recall.id for one in first] == [made[-30]]
    tallies = recalls.tally_recalls(database, clinician, rule=RULE)
    assert recalls.by_standing(tallies) == {Standing.LOST: 0, Standing.OVERDUE: 2, Standing.DUE: 1, Standing.LATER: 1}
    assert {(one.clinician, one.interval, one.standing, one.count) for one in tallies} == {
        ("Test Clinician", Interval.SHORT, Standing.OVERDUE, 1),
        ("Test Clinician", Interval.MEDIUM, Standing.OVERDUE, 1),
        ("Test Administrator", Interval.LONG, Standing.DUE, 1),
        ("Test Administrator", Interval.SHORT, Standing.LATER, 1),
    }


def test_a_list_takes_no_query_for_each_row(database: Database, charts: Charts, clinician: Actor) -> None:
    def queries() -> int:
        seen: list[str] = []
        listener = lambda *details: seen.append(details[2])  # noqa: E731 - to be removed again
        event.listen(database.engine, "before_cursor_execute", listener)
        found = recalls.list_recalls(database, clinician, rule=RULE, which=RecallFilter())
        recalls.tally_recalls(database, clinician, rule=RULE)
        event.remove(database.engine, "before_cursor_execute", listener)
        # All that a row shows is there.
        assert all(one.recall.lesion.patient.name and one.recall.user.full_name for one in found)
        assert all(one.recall.calls[0].user.full_name for one in found)
        return len([statement for statement in seen if statement.startswith("SELECT")])

    counted = []
    for _ in range(2):
        for _ in range(3):
            one = recall(database, clinician, charts.lesion(charts.patient()), due_in=-5)
            call(database, clinician, one, CallOutcome.NO_ANSWER)
        counted.append(queries())
    assert counted[0] == counted[1] <= 3


def test_how_far_ahead_a_recall_was_set_is_kept(database: Database, charts: Charts, clinician: Actor) -> None:
    lesion = charts.lesion(charts.patient())
    for days in (91, 365):
        due_on = clock.today() + timedelta(days=days)
        assert judgements.set_recall(database, clinician, lesion_id=lesion.id, due_on=due_on).interval_days == days


def test_a_call_is_kept_with_who_when_and_how_it_ended(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    one = recall(database, clinician, charts.lesion(charts.patient()), due_in=-5)
    recalls.log_call(database, staff, recall_id=one.id, outcome=CallOutcome.NO_ANSWER, notes="  Rang twice. ")
    recalls.log_call(database, staff, recall_id=one.id, outcome=CallOutcome.REACHED)
    newest, before = recalls.calls_of(database, clinician, recall_id=one.id)
    assert (newest.outcome, newest.notes) == (CallOutcome.REACHED, None)
    assert (before.outcome, before.notes, before.user.full_name) == (CallOutcome.NO_ANSWER, "Rang twice.", "Test Staff")
    kept = all_rows(database)
    with pytest.raises(Invalid):
        recalls.log_call(database, staff, recall_id=one.id, outcome=CallOutcome.REACHED, notes="x" * 201)
    with pytest.raises(NotFound):
        recalls.log_call(database, staff, recall_id=4711, outcome=CallOutcome.REACHED)
    assert all_rows(database) == kept
    judgements.close_recall(database, staff, recall_id=one.id)
    with pytest.raises(Conflict):
        recalls.log_call(database, staff, recall_id=one.id, outcome=CallOutcome.REACHED)


def test_what_leaves_the_clinic_stands_in_the_trail_and_names_no_patient(
    database: Database, charts: Charts, staff: Actor, clinician: Actor
) -> None:
    patients = [charts.patient(name=name, phone="+44 20 7946 0958") for name in ("Zenobia Quill", "Björn Lindqvist")]
    due = [recall(database, clinician, charts.lesion(patient), due_in=days) for patient, days in zip(patients, (9, -3))]  # noqa: B905
    closed = recall(database, clinician, charts.lesion(patients[0]), due_in=3)
    judgements.close_recall(database, staff, recall_id=closed.id)
    ids = [*(one.id for one in due), closed.id, 4711]
    out = recalls.take_out(database, staff, recall_ids=ids, as_what="calendar")
    assert [one.id for one in out] == [due[1].id, due[0].id]
    file = recall_calendar(out)
    events = Calendar.from_ical(file).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [clock.today() + timedelta(days=days) for days in (-3, 9)]
    assert all(type(event.decoded("dtstart")) is date for event in events)
    assert str(events[1]["summary"]) == f"Recall: No. {patients[0].record_number}, L1"
    for secret in (b"Quill", b"Lindqvist", b"7946", b"Trunk"):
        assert secret not in file
    # The same recall is the same event, whenever the file is made.
    assert recall_calendar(out) == file
    trail = audit.search_audit(database, OPERATOR, action="recall.calendar")
    assert {entry.patient_id for entry in trail} == {patient.id for patient in patients}
    assert {entry.user_name for entry in trail} == {"staff"}


def test_a_plan_to_recall_sets_the_recall_and_nothing_more_closes_it(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    lesion = charts.lesion(charts.patient())
    for kind, days in ((PlanKind.RECALL_3, 91), (PlanKind.RECALL_6, 182), (PlanKind.RECALL_12, 365)):
        plans.set_plan(database, clinician, lesion_id=lesion.id, kind=kind)
        found = judgements.open_recall(database, clinician, lesion_id=lesion.id)
        assert found is not None and found.due_on == clock.today() + timedelta(days=days)
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.REFERRAL, notes=" To Dr Moreau. ")
    assert judgements.open_recall(database, clinician, lesion_id=lesion.id) is not None
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.NONE)
    assert judgements.open_recall(database, clinician, lesion_id=lesion.id) is None
    made = plans.plans_of(database, clinician, lesion_id=lesion.id)
    assert [plan.kind for plan in made] == [
        PlanKind.NONE, PlanKind.REFERRAL, PlanKind.RECALL_12, PlanKind.RECALL_6, PlanKind.RECALL_3,
    ]  # fmt: skip
    assert (made[1].notes, made[1].user.full_name) == ("To Dr Moreau.", "Test Clinician")
    with pytest.raises(NotFound):
        plans.set_plan(database, clinician, lesion_id=4711, kind=PlanKind.NONE)


def test_a_biopsy_waits_until_its_result_comes(database: Database, charts: Charts, clinician: Actor) -> None:
    lesion, other = (charts.lesion(charts.patient()) for _ in range(2))

    def waiting() -> list[tuple[int, PlanKind]]:
        found = plans.waiting_for_pathology(database, clinician)
        assert plans.count_waiting_for_pathology(database, clinician) == len(found)
        assert all(plan.lesion.patient.name for plan in found)
        return [(plan.lesion_id, plan.kind) for plan in found]

    def diagnose(confirm_type: ConfirmType) -> None:
        judgements.record_diagnosis(
            database, clinician, lesion_id=lesion.id, name="melanoma", confirm_type=confirm_type
        )

    # A result from before is of something else.
    diagnose(ConfirmType.HISTOPATHOLOGY)
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.BIOPSY)
    plans.set_plan(database, clinician, lesion_id=other.id, kind=PlanKind.EXCISION)
    assert waiting() == [(lesion.id, PlanKind.BIOPSY), (other.id, PlanKind.EXCISION)]
    # Whatever else is planned or said by eye, the result has not come.
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.RECALL_3)
    diagnose(ConfirmType.SINGLE_CONTRIBUTOR)
    assert waiting() == [(lesion.id, PlanKind.BIOPSY), (other.id, PlanKind.EXCISION)]
    diagnose(ConfirmType.HISTOPATHOLOGY)
    assert waiting() == [(other.id, PlanKind.EXCISION)]
    assert plans.awaited_of(database, clinician, lesion_id=lesion.id) is None
    # The next one waits for the next result.
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.BIOPSY)
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.EXCISION)
    assert waiting() == [(other.id, PlanKind.EXCISION), (lesion.id, PlanKind.EXCISION)]
    plans.set_plan(database, clinician, lesion_id=other.id, kind=PlanKind.NONE, withdraws_pathology=True)
    assert waiting() == [(lesion.id, PlanKind.EXCISION)]
