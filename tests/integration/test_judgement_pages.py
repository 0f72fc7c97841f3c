"""Plans, checklists, recalls, agreement and similar cases, as people meet them on the pages."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.checklists import Colour, Structure
from core.records import audit, checklists, clock, judgements, plans, recalls
from core.records.actor import OPERATOR, Actor
from core.records.tables import Recall
from core.records.terms import CallOutcome, ConfirmType, PlanKind, Role
from core.workspace import Workspace
from dashboard import letters, navigation
from tests.charts import Charts
from tests.features import give_features
from tests.integration.test_pages import (
    Sit,
    dialect,
    errors,
    fill,
    in_order,
    opened,
    people,
    press,
    said,
    served,
    sit,
    widget,
)

__all__ = ["dialect", "people", "served", "sit"]


def overdue(charts: Charts, actor: Actor, name: str, *, days: int) -> int:
    """A patient with a recall so many days overdue; its id."""
    lesion = charts.lesion(charts.patient(name=name, phone="+44 20 7946 0958"))
    recall = judgements.set_recall(
        charts.database, actor, lesion_id=lesion.id, due_on=clock.today() + timedelta(days=91)
    )
    with charts.database.writing() as session:
        past = clock.today() - timedelta(days=days)
        session.execute(update(Recall).where(Recall.id == recall.id).values(due_on=past))
    return recall.id


def test_a_biopsy_is_planned_waits_on_home_and_ends_with_its_result(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    *_, lesion, _ = charts.filled(name="Meera Iyer")
    sit(people[Role.CLINICIAN])
    app = press(opened(navigation.LESION, id=lesion.id), "Set plan")
    assert errors(app) == ["What is to be done? Choose a plan."]
    fill(app, Plan=PlanKind.BIOPSY, Remark="Punch, 4 mm.")
    app = press(app, "Set plan")
    in_order(app)
    assert "Plan: Biopsy" in said(app) and "Punch, 4 mm." in said(app)
    assert "The pathology result of the biopsy planned on" in said(app)
    home = said(opened(navigation.HOME))
    assert "Waiting for pathology" in home and "Meera Iyer · L1" in home
    fill(app, Diagnosis="nevus", Confirmed_by=ConfirmType.HISTOPATHOLOGY)
    app = press(app, "Record diagnosis")
    in_order(app)
    assert "The pathology result of the biopsy" not in said(app)
    assert plans.count_waiting_for_pathology(charts.database, OPERATOR) == 0


def test_a_plan_to_recall_shows_as_a_recall(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    *_, lesion, _ = charts.filled()
    sit(people[Role.CLINICIAN])
    app = opened(navigation.LESION, id=lesion.id)
    fill(app, Plan=PlanKind.RECALL_6)
    app = press(app, "Set plan")
    in_order(app)
    assert f"Due {clock.today() + timedelta(days=182):%-d %b %Y}" in said(app)


def test_checklists_are_scored_on_the_lesions_page(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    *_, lesion, _ = charts.filled()
    sit(people[Role.CLINICIAN])
    app = opened(navigation.LESION, id=lesion.id)
    for label in ("Change in size", "Oozing"):
        widget(app.checkbox, label).check()
    app = press(app, "Record 7-point score")
    in_order(app)
    assert "7-point 3 · refer" in said(app)
    app = press(app, "Record ABCD score")
    assert errors(app) == ["Which colours are seen? The rule counts at least one."]
    widget(app.selectbox, "A: asymmetric in how many axes").set_value(2)
    widget(app.slider, "B: abrupt border in how many eighths").set_value(4)
    widget(app.multiselect, "C: colours").set_value([Colour.RED, Colour.BLACK])
    widget(app.multiselect, "D: structures").set_value([Structure.DOTS, Structure.NETWORK, Structure.GLOBULES])
    app = press(app, "Record ABCD score")
    in_order(app)
    assert "TDS 5.50 · highly suspicious" in said(app)
    assert "A 2, B 4, C 2 (red, black), D 3 (pigment network, dots, globules)" in said(app)
    scores = checklists.scores_of(charts.database, OPERATOR, lesion_id=lesion.id)
    assert [score.score for score in scores] == [5.5, 3]
    sit(people[Role.STAFF])
    app = opened(navigation.LESION, id=lesion.id)
    assert "TDS 5.50 · highly suspicious" in said(app)
    labels = {button.label for button in app.button}
    assert labels.isdisjoint({"Record 7-point score", "Record ABCD score", "Set plan"})


def test_recalls_are_called_about_until_they_are_lost(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    overdue(charts, people[Role.CLINICIAN], "Meera Iyer", days=120)
    overdue(charts, people[Role.ADMINISTRATOR], "Jakub Nowak", days=3)
    sit(people[Role.STAFF])
    home = opened(navigation.HOME)
    assert {metric.label: metric.value for metric in home.metric}["Recalls overdue"] == "2"
    assert said(home).index("120 days overdue") < said(home).index("3 days overdue")
    app = opened(navigation.RECALLS)
    in_order(app)
    for _ in range(3):
        widget([one for one in app.radio if one.key.startswith("call:1:")], "Outcome").set_value(CallOutcome.NO_ANSWER)
        app = next(one for one in app.button if one.label == "Log call").click().run()
        in_order(app)
    assert "lost to follow-up, 120 days overdue" in said(app)
    assert {metric.label: metric.value for metric in app.metric} == {
        "Lost to follow-up": "1", "Overdue": "1", "Due within two weeks": "0", "Later": "0",
    }  # fmt: skip
    fill(app, Set_by=people[Role.ADMINISTRATOR].user_id)
    app.run()
    assert "Jakub Nowak · L1" in said(app) and "Meera Iyer" not in said(app)
    assert "lost to follow-up" not in said(opened(navigation.HOME)).replace("those lost to follow-up", "")


@pytest.mark.parametrize("role", [Role.STAFF, Role.CLINICIAN])
def test_a_letter_names_the_patient_and_nothing_clinical(
    people: dict[Role, Actor], charts: Charts, served: Workspace, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    recall_id = overdue(charts, people[Role.CLINICIAN], "Meera <Iyer>", days=3)
    monkeypatch.setattr(letters.session, "holder", lambda *_args, **_more: people[role])
    client = TestClient(Starlette(routes=letters.routes()))
    letter = client.get(letters.recall_address(recall_id))
    assert letter.status_code == 200
    assert "Dear Meera &lt;Iyer&gt;," in letter.text
    assert "We asked you to come back to us by" in letter.text
    for clinical in ("nevus", "Trunk", "melanoma", "L1"):
        assert clinical not in letter.text
    (entry,) = audit.search_audit(served.database, OPERATOR, action="recall.letter")
    assert entry.user_name == people[role].name
    for missing in ("4711", "9" * 30):
        assert client.get(f"/letters/recall/{missing}").status_code == 404


def test_agreement_shows_figures_and_says_where_cases_are_few(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    sit(people[Role.CLINICIAN])
    assert "There is no case yet" in said(opened(navigation.AGREEMENT))
    for name in ("nevus", "melanoma"):
        *_, lesion, _ = charts.filled()
        judgements.record_diagnosis(
            charts.database,
            people[Role.CLINICIAN],
            lesion_id=lesion.id,
            name=name,
            confirm_type=ConfirmType.HISTOPATHOLOGY,
        )
    app = opened(navigation.AGREEMENT)
    in_order(app)
    assert "of 1, 95 % interval" in said(app)
    assert "Too few cases" in said(app)
    assert "which do not compare" not in said(app)


def test_similar_cases_are_shown_when_asked_for_and_to_clinicians_only(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    version = served.reader.model_version
    (*_, asked, image), (*_, other, near) = charts.filled(), charts.filled()
    for number, one in enumerate((image, near)):
        give_features(charts.database, one.id, np.array([1, number, 0], dtype=np.float32), model_version=version)
    judgements.record_diagnosis(
        charts.database, people[Role.CLINICIAN], lesion_id=other.id, name="melanoma",
        confirm_type=ConfirmType.HISTOPATHOLOGY,
    )  # fmt: skip
    sit(people[Role.STAFF])
    app = opened(navigation.LESION, id=asked.id)
    assert "Similar cases of this clinic" not in {toggle.label for toggle in app.toggle}
    sit(people[Role.CLINICIAN])
    app = opened(navigation.LESION, id=asked.id)
    assert audit.search_audit(served.database, OPERATOR, action="similar.look") == []
    widget(app.toggle, "Similar cases of this clinic").set_value(True).run()
    in_order(app)
    assert "Similarity 0.71" in said(app)
    assert "Diagnosis: melanoma" in said(app) and "histopathology" in said(app)
    assert len(audit.search_audit(served.database, OPERATOR, action="similar.look")) == 1
    recalls_open = recalls.tally_recalls(charts.database, OPERATOR, rule=served.lost_rule)
    assert recalls_open == []
