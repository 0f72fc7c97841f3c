"""Every page as each role sees it, run by Streamlit's own test runner on a small clinic."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from core import taxonomy
from core.body_map import Place
from core.clinics.directory import starting_list
from core.errors import Unavailable
from core.exchange.dicom import dicom_file
from core.records import (
    audit,
    body_map,
    clock,
    images,
    judgements,
    lesions,
    outlines,
    patients,
    plans,
    readings,
    users,
    visits,
)
from core.records.actor import OPERATOR, Actor
from core.records.explanations import OTHER_MODEL, explain_reading
from core.records.patients import PatientDetails
from core.records.tables import Patient
from core.records.terms import BodySite, BodyView, ConfirmType, LesionState, PlanKind, Role, Sex
from core.vision.certainty import Certainty
from core.vision.explain import WHAT_IT_SHOWS, Method
from core.vision.intake import decode
from core.vision.reader import NO_LESION
from core.workspace import Workspace
from dashboard import navigation, session
from dashboard.components import explanations, reading
from tests.charts import PASSWORD, Charts, add_old_reading, lesion_file
from tests.explaining import InstantExplainer
from tests.server import ROOT

FOR_ALL = {
    navigation.HOME: "Today",
    navigation.PATIENTS: "Patients",
    navigation.RECALLS: "Recalls",
    navigation.REGISTER: "Register patient",
    navigation.PATIENT: "Patient",
    navigation.VISIT: "Visit of ",
    navigation.LESION: "Lesion L1",
    navigation.COMPARE: "Compare · Lesion L1",
    navigation.CLINICS: "Clinic map",
    navigation.SCREENING: "Public screening",
    navigation.MODEL: "Model",
    navigation.ACCOUNT: "Your account",
}
FOR_CLINICIANS = {navigation.AGREEMENT: "Agreement"}
FOR_ADMINISTRATORS = {navigation.ACCOUNTS: "Accounts", navigation.AUDIT: "Audit trail"}
OF_ONE_THING = (navigation.PATIENT, navigation.VISIT, navigation.LESION, navigation.COMPARE)


@pytest.fixture
def dialect() -> str:
    """The pages ask nothing that depends on the database; the verbs' own tests do."""
    return "sqlite"


@pytest.fixture
def served(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace of the test, which the pages find as theirs."""
    monkeypatch.setattr(session, "Workspace", lambda _settings: workspace)
    for remembered in (session.workspace, reading._thumbnail, reading._pixels):
        remembered.cache_clear()
    yield workspace
    session.workspace.cache_clear()


Sit = Callable[[Actor], None]


@pytest.fixture
def sit(served: Workspace, monkeypatch: pytest.MonkeyPatch) -> Sit:
    """Has somebody sit down at the browser, signed in."""

    def sit_down(actor: Actor) -> None:
        token = users.sign_in(served.database, name=actor.name, password=PASSWORD, address=actor.address)
        cookies = {session.COOKIE: session.sign(token)}
        monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self: cookies))
        monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _self: actor.address))

    return sit_down


@pytest.fixture
def people(staff: Actor, clinician: Actor, administrator: Actor) -> dict[Role, Actor]:
    return {actor.role: actor for actor in (staff, clinician, administrator)}


def opened(page: str, **query: Any) -> AppTest:
    """The page, as it is when it is opened by its address."""
    app = AppTest.from_file(ROOT / "dashboard" / "app.py", default_timeout=120).run()
    app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = str(value)
    return app.run()


def widget(found: Any, label: str) -> Any:
    """The one widget with this label."""
    (only,) = [one for one in found if one.label == label]
    return only


def fill(app: AppTest, **values: Any) -> None:
    """Enter `values` into the fields of those labels, with _ for a blank."""
    for name, value in values.items():
        label = name.replace("_", " ")
        fields = [*app.text_input, *app.text_area, *app.selectbox, *app.date_input, *app.checkbox, *app.radio]
        widget(fields, label).set_value(value)


def press(app: AppTest, label: str) -> AppTest:
    return widget(app.button, label).click().run()


def said(app: AppTest) -> str:
    """All that stands on the page, one thing a line."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    links = [f"{link.label}" for link in app.get("page_link")]
    texts = [element.value for kind in (*kinds, app.text, app.toast, app.metric) for element in kind]
    return "\n".join([*texts, *links])


def errors(app: AppTest) -> list[str]:
    """What the page says went wrong, as it reads."""
    return [re.sub(r"\\(.)", r"\1", error.value) for error in app.error]


def in_order(app: AppTest) -> None:
    """Nothing went wrong on the page."""
    assert not app.exception
    assert errors(app) == []


@pytest.mark.parametrize("role", Role)
def test_every_page_of_a_busy_clinic_opens_for_each_role(
    people: dict[Role, Actor], charts: Charts, sit: Sit, role: Role
) -> None:
    patient, visit, lesion, _ = charts.filled(name="Meera Iyer", photo_consent_on=date(2026, 1, 5),
                                              photo_consent_wording="For my own care.")  # fmt: skip
    charts.image(charts.visit(patient, days_ago=90), lesion)
    clinician = people[Role.CLINICIAN]
    judgements.set_recall(charts.database, clinician, lesion_id=lesion.id, due_on=clock.today() + timedelta(days=5))
    ids = {navigation.PATIENT: patient.id, navigation.VISIT: visit.id}
    ids |= {navigation.LESION: lesion.id, navigation.COMPARE: lesion.id}
    sit(people[role])
    may_open = FOR_ALL | (FOR_ADMINISTRATORS if role is Role.ADMINISTRATOR else {})
    may_open |= FOR_CLINICIANS if role is not Role.STAFF else {}
    for page, title in may_open.items():
        app = opened(page, id=ids[page]) if page in ids else opened(page)
        in_order(app)
        assert app.title[0].value.startswith(title)
        if page in ids:
            assert "Meera Iyer" in said(app), page
            assert f"No. {patient.record_number}" in said(app), page
            assert "Photo consent 5 Jan 2026" in said(app), page
    for page in {**FOR_ALL, **FOR_CLINICIANS, **FOR_ADMINISTRATORS}.keys() - may_open.keys():
        with pytest.raises(ValueError, match="Could not find a navigation page"):
            opened(page)


@pytest.mark.parametrize("role", [Role.STAFF, Role.CLINICIAN])
@pytest.mark.parametrize("page", FOR_ADMINISTRATORS)
def test_a_page_of_the_administrator_refuses_others_even_when_it_is_forced(
    people: dict[Role, Actor], sit: Sit, served: Workspace, role: Role, page: str
) -> None:
    sit(people[role])
    app = AppTest.from_file(ROOT / "dashboard" / page, default_timeout=120).run()
    (refusal,) = app.error
    assert refusal.value.startswith(f"Your role ({role}) does not include this")
    assert not app.exception
    assert not app.button
    assert not app.dataframe
    assert len(users.list_users(served.database, OPERATOR)) == len(Role)


def test_agreement_refuses_staff_even_when_it_is_forced(people: dict[Role, Actor], sit: Sit) -> None:
    sit(people[Role.STAFF])
    app = AppTest.from_file(ROOT / "dashboard" / navigation.AGREEMENT, default_timeout=120).run()
    (refusal,) = app.error
    assert refusal.value.startswith("Your role (staff) does not include this")
    assert not app.exception
    assert not app.metric


def test_without_a_session_a_page_shows_nothing_but_the_way_to_sign_in(
    charts: Charts, served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContextProxy, "ip_address", None)
    patient = charts.patient(name="Meera Iyer")
    for cookies in ({}, {session.COOKIE: "nonsense"}, {session.COOKIE: session.sign("no such token")}):
        monkeypatch.setattr(ContextProxy, "cookies", property(lambda _self, cookies=cookies: cookies))
        app = AppTest.from_file(ROOT / "dashboard" / "app.py", default_timeout=120)
        app.query_params["id"] = str(patient.id)
        app.run()
        assert not app.exception
        assert said(app) == "Your session is over."
        assert any('href="/sign-in?why=ended"' in element.value for element in app.get("html"))


def test_an_empty_clinic_says_what_to_do(people: dict[Role, Actor], sit: Sit) -> None:
    sit(people[Role.ADMINISTRATOR])
    for page, words in (
        (navigation.HOME, ("No visit yet today. Find the patient and log one.", "Every reading has been reviewed.",
                           "No recall is due.")),
        (navigation.PATIENTS, ("No patient is registered yet.",)),
        (navigation.CLINICS, (f"{len(starting_list())} of {len(starting_list())} clinics.",)),
        (navigation.PATIENT, ("This page belongs to a patient. Choose one first.", "Find a patient")),
        (navigation.VISIT, ("This page belongs to a patient. Choose one first.",)),
        (navigation.LESION, ("This page belongs to a patient. Choose one first.",)),
    ):  # fmt: skip
        app = opened(page)
        in_order(app)
        for sentence in words:
            assert sentence in said(app), page


def test_an_empty_chart_says_what_to_do(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.CLINICIAN])
    patient = charts.patient()
    chart = opened(navigation.PATIENT, id=patient.id)
    assert "No lesion yet. Add one here, or during a visit." in said(chart)
    assert "Nothing was changed since the patient was registered." in said(chart)
    assert "No photo consent" in said(chart)
    visit = opened(navigation.VISIT, id=charts.visit(patient).id)
    assert "No image yet. Choose a lesion above and add one." in said(visit)
    assert "This patient has not consented to photographs. Ask before you take any." in said(visit)
    lesion = opened(navigation.LESION, id=charts.lesion(patient).id)
    for sentence in ("No image yet. Add one during a visit.", "No clinician has recorded a diagnosis yet.",
                     "No recall is set."):  # fmt: skip
        assert sentence in said(lesion)


@pytest.mark.parametrize("page", OF_ONE_THING)
@pytest.mark.parametrize("id", ["99", "0", "-1", "9" * 30, "", "x", "1.5", "1; DROP TABLE patient", "<b>1</b>", "\x00"])
def test_a_wrong_id_is_a_sentence(people: dict[Role, Actor], charts: Charts, sit: Sit, page: str, id: str) -> None:
    sit(people[Role.STAFF])
    charts.patient()
    app = opened(page, id=id)
    assert not app.exception
    thing = "lesion" if page == navigation.COMPARE else page.removeprefix("views/").removesuffix(".py")
    answers = [alert.value for alert in (*app.error, *app.info)]
    assert answers in ([f"There is no such {thing}."], ["This page belongs to a patient. Choose one first."])
    assert not app.text_input


def registration(app: AppTest, **changes: Any) -> AppTest:
    values = {"Name": "Jakub Nowak", "Record_number": "4712", "Date_of_birth": date(1987, 11, 2), "Sex": Sex.MALE}
    fill(app, **{**values, **changes})
    return press(app, "Register")


def known(workspace: Workspace) -> list[Patient]:
    return patients.latest_patients(workspace.database, OPERATOR)


def test_registering_a_patient(people: dict[Role, Actor], sit: Sit, served: Workspace) -> None:
    sit(people[Role.STAFF])
    app = registration(opened(navigation.REGISTER), Phone="+44 20 7946 0958", The_patient_consents_to_photographs=True)
    in_order(app)
    (patient,) = known(served)
    assert (patient.name, patient.record_number, patient.phone) == ("Jakub Nowak", "4712", "+44 20 7946 0958")
    assert patient.photo_consent_on == clock.today()
    assert patient.personal_hx_mm is None
    # The chart of the new patient comes next.
    assert app.title[0].value == "Patient"
    assert "The patient is registered." in said(app)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"Name": "  "}, "The name is missing."),
        ({"Record_number": ""}, "The record number is missing."),
        ({"Date_of_birth": None}, "Name, record number, date of birth and sex are needed."),
        ({"Sex": None}, "Name, record number, date of birth and sex are needed."),
        ({"Email": "jakub"}, "The email address is not complete."),
        ({"Phone": "12"}, "A phone number has 4 to 20 digits."),
    ],
)
def test_a_registration_that_cannot_be_right_is_refused_and_nothing_is_kept(
    people: dict[Role, Actor], sit: Sit, served: Workspace, changes: dict[str, Any], sentence: str
) -> None:
    sit(people[Role.STAFF])
    app = registration(opened(navigation.REGISTER), **changes)
    assert errors(app) == [sentence]
    assert known(served) == []
    # What was entered stands there still.
    assert widget(app.text_input, "Name").value == changes.get("Name", "Jakub Nowak")


def test_a_likely_duplicate_is_shown_before_a_second_chart_is_made(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    sit(people[Role.STAFF])
    charts.patient(name="Jakub Novak", birth_date=date(1987, 11, 2), record_number="17")
    app = registration(opened(navigation.REGISTER))
    assert "may be registered already.** Compare before you make a second chart." in said(app)
    assert "Jakub Novak · 17 · born 2 Nov 1987" in said(app)
    assert len(known(served)) == 1
    press(app, "It is another person: register")
    assert [patient.name for patient in known(served)] == ["Jakub Nowak", "Jakub Novak"]


def test_finding_a_patient_by_anything(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.STAFF])
    charts.patient(name="Meera Iyer", record_number="A-77", phone="+44 20 7946 0958", birth_date=date(1961, 4, 23))
    charts.patient(name="Jakub Nowak", birth_date=date(1987, 11, 2))
    app = opened(navigation.PATIENTS)
    assert "Registered last" in said(app)
    for query in ("mee", "IYER", "a-77", "7946", "1961-04-23", "iyer meera"):
        app.text_input(key="query").set_value(query).run()
        assert "1 found" in said(app), query
        assert "Meera Iyer" in said(app), query
        assert "Jakub Nowak" not in said(app), query
    app.text_input(key="query").set_value("zz").run()
    assert "Nobody fits. Check the spelling, or register the patient." in said(app)


def test_logging_a_visit(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.STAFF])
    patient = charts.patient()
    app = opened(navigation.PATIENT, id=patient.id)
    app = press(app, "Log visit")
    assert errors(app) == ["What is the visit for? The reason is missing."]
    fill(app, Reason="Changing mole", Notes="Since spring.")
    app = press(app, "Log visit")
    in_order(app)
    (visit,) = visits.visits_of(charts.database, OPERATOR, patient_id=patient.id)
    assert (visit.reason, visit.notes, visit.clinician_id) == ("Changing mole", "Since spring.", None)
    assert app.title[0].value.startswith("Visit of ")
    assert "Since spring." in said(app)


def test_editing_keeps_what_was_there_before(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.STAFF])
    patient = charts.patient(phone="+44 20 7946 0001")
    app = press(opened(navigation.PATIENT, id=patient.id), "Edit details")
    fill(app, Phone="+44 20 7946 0958")
    app = press(app, "Save changes")
    in_order(app)
    (table,) = app.dataframe
    row = table.value.iloc[0]
    assert (row["Who"], row["What"]) == ("staff", "phone")
    assert (row["Before"], row["After"]) == ("+44 20 7946 0001", "+44 20 7946 0958")


def test_of_two_who_edit_one_patient_the_second_is_told(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    sit(people[Role.STAFF])
    patient = charts.patient(phone="+44 20 7946 0001")
    app = press(opened(navigation.PATIENT, id=patient.id), "Edit details")
    theirs = replace(PatientDetails.of(patient), phone="+44 20 7946 0002")
    patients.edit_patient(
        served.database, people[Role.CLINICIAN], patient_id=patient.id, details=theirs, version=patient.version
    )
    fill(app, Phone="+44 20 7946 0003")
    app = press(app, "Save changes")
    (error,) = app.error
    assert error.value.startswith("Somebody else changed this patient while you were editing.")
    assert patients.open_chart(served.database, OPERATOR, patient_id=patient.id).phone == "+44 20 7946 0002"
    app = press(app, "Leave without saving")
    in_order(app)
    assert "+44 20 7946 0002" in said(app)


def test_a_lesion_is_added_and_chosen(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.STAFF])
    patient = charts.patient()
    charts.lesion(patient)
    app = opened(navigation.VISIT, id=charts.visit(patient).id)
    fill(app, Body_site=BodySite.HEAD_AND_NECK, Side="left", Description="temple")
    app = press(app, "Add lesion")
    in_order(app)
    assert "L2 is added." in said(app)
    first, second = [one.lesion for one in lesions.lesions_of(charts.database, OPERATOR, patient_id=patient.id)]
    assert (second.body_site, second.laterality, second.description) == (BodySite.HEAD_AND_NECK, "left", "temple")
    # Images that are added now belong to the new lesion.
    in_order(uploaded(app, ("new.png", lesion_file(1))))
    images_of = partial(lesions.images_of_lesion, charts.database, OPERATOR)
    assert (len(images_of(lesion_id=first.id)), len(images_of(lesion_id=second.id))) == (0, 1)


def uploaded(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    widget(app.file_uploader, "Images of this lesion").set_value([(*file, "image/png") for file in files]).run()
    return press(app, "Add and read")


def test_several_images_at_once_and_one_that_is_broken(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.STAFF])
    patient = charts.patient()
    visit, lesion = charts.visit(patient), charts.lesion(patient)
    good = [(f"{seed}.png", lesion_file(seed)) for seed in (1, 2)]
    app = uploaded(opened(navigation.VISIT, id=visit.id), good[0], ("torn.png", lesion_file(3)[:700]), good[1])
    assert not app.exception
    (problem,) = errors(app)
    assert problem.startswith("torn.png: ")
    assert "2 images added and read." in said(app)
    found = lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=lesion.id)
    assert [image.reading is not None for image in found] == [True, True]
    # The newest one is open.
    newest = found[-1].reading
    assert f"#### {taxonomy.term(newest.prediction).title} · {newest.probabilities[newest.prediction]:.0%}" in said(app)
    assert said(app).count("A reading is what a computer model said of one image.") == 1
    # The sentence stays until the next file comes.
    assert len(errors(app.run())) == 1
    in_order(uploaded(app, ("4.png", lesion_file(4))))


def test_an_image_of_another_patient_waits_for_somebody_to_look(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    sit(people[Role.STAFF])
    other = charts.patient(name="Meera Iyer")
    charts.image(charts.visit(other), charts.lesion(other), data=lesion_file(5))
    patient = charts.patient(name="Jakub Nowak")
    visit, lesion = charts.visit(patient), charts.lesion(patient)
    for answer, expected in (("Discard", 0), ("It belongs here too: add it", 1)):
        app = uploaded(opened(navigation.VISIT, id=visit.id), ("mixed-up.png", lesion_file(5)))
        (alarm,) = errors(app)
        assert "mixed-up.png is already in the chart of another patient. It was not added." in alarm
        assert "Meera Iyer · No. " in said(app)
        assert lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=lesion.id) == []
        in_order(press(app, answer))
        assert len(lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=lesion.id)) == expected


def test_the_same_image_twice_is_said_and_kept_once(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    sit(people[Role.STAFF])
    patient = charts.patient()
    visit, lesion = charts.visit(patient), charts.lesion(patient)
    app = uploaded(opened(navigation.VISIT, id=visit.id), ("a.png", lesion_file(1)), ("b.png", lesion_file(1)))
    assert errors(app) == ["b.png: This lesion has this image already."]
    assert len(lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=lesion.id)) == 1


def test_staff_see_no_form_for_a_diagnosis_and_may_close_a_recall(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    *_, lesion, _ = charts.filled()
    judgements.set_recall(
        charts.database, people[Role.CLINICIAN], lesion_id=lesion.id, due_on=clock.today() + timedelta(days=5)
    )
    sit(people[Role.STAFF])
    app = opened(navigation.LESION, id=lesion.id)
    labels = {button.label for button in app.button}
    assert labels.isdisjoint({"Record diagnosis", "Set recall", "Mark as reviewed"})
    assert "A clinician records the diagnosis and sets the recall." in said(app)
    app = press(app, "Patient has been seen")
    in_order(app)
    assert judgements.open_recall(charts.database, OPERATOR, lesion_id=lesion.id) is None
    assert "No recall is set." in said(app)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.ADMINISTRATOR])
def test_a_diagnosis_supersedes_the_one_before(people: dict[Role, Actor], charts: Charts, sit: Sit, role: Role) -> None:
    *_, lesion, _ = charts.filled()
    sit(people[role])
    app = press(opened(navigation.LESION, id=lesion.id), "Record diagnosis")
    assert errors(app) == ["The diagnosis is missing."]
    fill(app, Diagnosis="nevus", Or_another_diagnosis="lentigo")
    app = press(app, "Record diagnosis")
    assert errors(app) == ["Choose a diagnosis or write another one, not both."]
    fill(app, Diagnosis="nevus", Or_another_diagnosis="", Notes="Regular network.")
    app = press(app, "Record diagnosis")
    in_order(app)
    assert "Reviewed" in said(app)
    fill(app, Or_another_diagnosis="lentigo", Confirmed_by=ConfirmType.HISTOPATHOLOGY)
    app = press(app, "Record diagnosis")
    in_order(app)
    assert "Diagnosis: lentigo" in said(app)
    assert "~~nevus~~ (superseded)" in said(app)
    now, before = judgements.diagnoses_of(charts.database, OPERATOR, lesion_id=lesion.id)
    assert (now.name, now.confirm_type, now.supersedes_id) == ("lentigo", ConfirmType.HISTOPATHOLOGY, before.id)
    assert before.notes == "Regular network."


def test_recalls_appear_on_home_by_their_date(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    *_, lesion, _ = charts.filled(name="Meera Iyer")
    sit(people[Role.CLINICIAN])
    app = opened(navigation.LESION, id=lesion.id)
    due = clock.today() + timedelta(days=9)
    fill(app, Look_again="on a date", Date=due, Reason="Compare")
    app = press(app, "Set recall")
    in_order(app)
    assert f"Due {due:%-d %b %Y}" in said(app)
    home = said(opened(navigation.HOME))
    assert "due in 9 days" in home
    assert "Meera Iyer · L1" in home
    fill(app, Look_again="in 6 months")
    press(app, "Set recall")
    home = said(opened(navigation.HOME))
    assert "due in" not in home
    assert "No recall is due." in home


def test_home_puts_the_most_probably_malignant_first_and_forgets_what_was_reviewed(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    for name in ("Meera Iyer", "Jakub Nowak", "Olga Petrova"):
        charts.filled(name=name)
    sit(people[Role.CLINICIAN])
    waiting = readings.unreviewed_readings(charts.database, OPERATOR)
    assert len({reading.malignant_probability for reading in waiting}) == 3
    ordered = [f"{reading.image.lesion.patient.name} · L1" for reading in waiting]
    shown = [link.label for link in opened(navigation.HOME).get("page_link") if link.label.endswith("L1")]
    assert shown == ordered
    app = press(opened(navigation.LESION, id=waiting[0].image.lesion_id), "Mark as reviewed")
    in_order(app)
    shown = [link.label for link in opened(navigation.HOME).get("page_link") if link.label.endswith("L1")]
    assert shown == ordered[1:]


def test_a_clinician_sets_the_state_and_staff_see_it(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    *_, lesion, _ = charts.filled()
    sit(people[Role.CLINICIAN])
    app = opened(navigation.LESION, id=lesion.id)
    assert "New until a clinician sets another state." in said(app)
    app = press(app, "Set state")
    assert errors(app) == ["Choose the state."]
    fill(app, New_state=LesionState.SUSPICIOUS)
    app = press(app, "Set state")
    in_order(app)
    (row,) = body_map.states_of(served.database, OPERATOR, lesion_id=lesion.id)
    assert row.state is LesionState.SUSPICIOUS
    sit(people[Role.STAFF])
    app = opened(navigation.LESION, id=lesion.id)
    assert "Suspicious: Test Clinician" in said(app)
    assert "Set state" not in {button.label for button in app.button}


def test_a_lesion_without_a_place_is_listed_beside_the_map(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    patient = charts.patient()
    charts.lesion(patient, description="below the shoulder blade")
    charts.lesion(patient, place=Place(BodyView.FRONT, 0.5, 0.3))
    sit(people[Role.STAFF])
    app = opened(navigation.PATIENT, id=patient.id)
    assert "L1 · Trunk · below the shoulder blade" in said(app)
    app = press(app, "Place it")
    in_order(app)
    assert "Click where L1 is: Trunk." in said(app)
    app = press(app, "Leave it where it is")
    in_order(app)
    # A past day can be looked at, and not changed.
    fill(app, Map_as_of=clock.today() - timedelta(days=1))
    app.run()
    in_order(app)
    assert "Choose today to change it." in said(app)
    assert "Add lesion" not in {button.label for button in app.button}


def test_a_history_is_read_again_with_the_current_model(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    patient, _, lesion, first = charts.filled()
    second = charts.image(charts.visit(patient, days_ago=60), lesion)
    for image in (first, second):
        add_old_reading(served.database, image)
    sit(people[Role.STAFF])
    app = opened(navigation.LESION, id=lesion.id)
    assert "2 versions of the model have read these images." in said(app)
    app = press(app, "Read the history with the current model")
    in_order(app)
    assert "2 of 2 images read again." in said(app)
    assert "Read the history with the current model" not in {button.label for button in app.button}
    found = lesions.images_of_lesion(served.database, OPERATOR, lesion_id=lesion.id)
    assert {image.reading and image.reading.model_version for image in found} == {served.reader.model_version}
    assert [len(image.readings) for image in found] == [3, 3]


def test_the_trend_needs_two_images(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    patient, _, lesion, _ = charts.filled()
    sit(people[Role.STAFF])
    app = opened(navigation.LESION, id=lesion.id)
    assert "The trend appears with the second image." in said(app)
    charts.image(charts.visit(patient, days_ago=90), lesion)
    app = opened(navigation.LESION, id=lesion.id)
    assert "The trend appears with the second image." not in said(app)
    assert len(app.get("vega_lite_chart")) + len(app.get("arrow_vega_lite_chart")) == 2


def test_an_image_that_is_gone_from_the_store_is_said_and_the_page_goes_on(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    *_, lesion, image = charts.filled()
    for sha256 in {image.sha256, image.display_sha256}:
        served.images.path(sha256).unlink()
    sit(people[Role.CLINICIAN])
    app = opened(navigation.LESION, id=lesion.id)
    assert not app.exception
    assert set(errors(app)) == {"There is no such image in the store."}
    assert "Record diagnosis" in {button.label for button in app.button}


def accounts(workspace: Workspace) -> dict[str, tuple[Role, bool]]:
    found = users.list_users(workspace.database, OPERATOR)
    return {user.name: (user.role, user.disabled_at is not None) for user in found}


def test_the_administrator_keeps_the_accounts(people: dict[Role, Actor], sit: Sit, served: Workspace) -> None:
    administrator = people[Role.ADMINISTRATOR]
    sit(administrator)
    before = accounts(served)
    app = opened(navigation.ACCOUNTS)
    widget(app.text_input, "Full name").set_value("Dr Clara Moreau")
    widget(app.text_input, "Sign-in name").set_value("clara")
    widget(app.text_input, "First password (at least 10 characters)").set_value("short")
    app = press(app, "Add account")
    assert len(app.error) == 1
    assert accounts(served) == before
    widget(app.text_input, "Full name").set_value("Dr Clara Moreau")
    widget(app.text_input, "Sign-in name").set_value("clara")
    widget(app.text_input, "First password (at least 10 characters)").set_value(PASSWORD)
    app = press(app, "Add account")
    in_order(app)
    assert accounts(served) == {**before, "clara": (Role.STAFF, False)}

    ids = {user.name: user.id for user in users.list_users(served.database, OPERATOR)}
    app.selectbox(key=f"role_{ids['clara']}_staff").set_value(Role.CLINICIAN).run()
    app = press(app, "Change role")
    in_order(app)
    app = app.button(key=f"disable_{ids['clara']}").click().run()
    in_order(app)
    assert accounts(served)["clara"] == (Role.CLINICIAN, True)
    passwords = [field for field in app.text_input if field.label == "New password"]
    passwords[sorted(ids).index("staff")].set_value("another long password").run()
    app = app.button(key=f"reset_{ids['staff']}").click().run()
    in_order(app)
    users.sign_in(served.database, name="staff", password="another long password", address="192.0.2.7")
    # Nobody would be left who could administer.
    app = app.button(key=f"disable_{ids['administrator']}").click().run()
    assert errors(app) == ["Nobody would be left to administer DermTrail."]
    assert accounts(served)["administrator"] == (Role.ADMINISTRATOR, False)


def test_the_audit_trail_is_searched(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    patient, *_ = charts.filled(record_number="A-77")
    charts.filled(record_number="B-78")
    sit(people[Role.STAFF])
    opened(navigation.PATIENT, id=patient.id)
    sit(people[Role.ADMINISTRATOR])
    app = opened(navigation.AUDIT)
    in_order(app)
    everything = app.dataframe[0].value
    assert {"A-77", "B-78"} <= set(everything["Patient"])
    fill(app, Who="staff", Patient="A-77")
    app.run()
    found = app.dataframe[0].value
    assert set(found["Who"]) == {"staff"}
    assert set(found["Patient"]) == {"A-77"}
    assert "patient.look" in set(found["What"])
    fill(app, Patient="nobody")
    app.run()
    assert "No entry fits." in said(app)


def test_ones_own_password(people: dict[Role, Actor], sit: Sit, served: Workspace) -> None:
    sit(people[Role.STAFF])
    app = opened(navigation.ACCOUNT)
    for current, new, again, sentence in (
        (PASSWORD, "another long password", "another long one", "The two new passwords are not the same."),
        ("wrong", "another long password", "another long password", "The current password is not right."),
        (PASSWORD, "short", "short", "A password has 10 to 256 characters."),
    ):
        app = change_password(app, current, new, again)
        assert errors(app) == [sentence]
        assert session_lasts(app)
    app = change_password(app, PASSWORD, "another long password", "another long password")
    assert "The password is changed. Sign in with it." in said(app)
    assert not session_lasts(app)
    users.sign_in(served.database, name="staff", password="another long password", address="192.0.2.7")


def change_password(app: AppTest, current: str, new: str, again: str) -> AppTest:
    widget(app.text_input, "Current password").set_value(current)
    widget(app.text_input, "New password (at least 10 characters)").set_value(new)
    widget(app.text_input, "New password again").set_value(again)
    return press(app, "Change password")


def session_lasts(app: AppTest) -> bool:
    return "Your session is over." not in said(app.run())


def test_signing_out_everywhere(people: dict[Role, Actor], sit: Sit) -> None:
    sit(people[Role.CLINICIAN])
    app = press(opened(navigation.ACCOUNT), "Sign out everywhere")
    assert said(app) == "Your session is over."


def test_the_nearest_clinics_of_a_town(people: dict[Role, Actor], sit: Sit) -> None:
    sit(people[Role.STAFF])
    app = opened(navigation.CLINICS)
    fill(app, Distance_from="Chennai")
    app.run()
    in_order(app)
    assert "**1. " in said(app)
    assert " km · " in said(app)
    assert "**10. " in said(app)
    fill(app, Distance_from="Xyzzyx")
    app.run()
    assert "No town of that name is known. Try a larger one nearby." in said(app)


def test_opening_a_chart_leaves_its_trace_and_a_second_look_soon_after_no_other(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    patient, visit, lesion, _ = charts.filled()
    sit(people[Role.STAFF])
    for page, id in ((navigation.PATIENT, patient.id), (navigation.VISIT, visit.id), (navigation.LESION, lesion.id)):
        opened(page, id=id)
    looks = audit.search_audit(served.database, OPERATOR, user_name="staff", action="patient.look")
    assert [look.patient_id for look in looks] == [patient.id]
    assert images.get_image(served.database, OPERATOR, image_id=1).lesion_id == lesion.id


def test_two_explanations_side_by_side(sit: Sit, charts: Charts, clinician: Actor, served: Workspace) -> None:
    """Chosen, computed on request, kept for the session; the Grad-CAM that was kept needs no computing."""
    explainer = InstantExplainer()
    served.explainer = explainer
    _, _, lesion, image = charts.filled()
    sit(clinician)
    app = opened(navigation.LESION, id=lesion.id)
    widget(app.toggle, "Compare explanations").set_value(True).run()
    in_order(app)
    assert "Kept with the reading." in said(app) and "Not computed yet." in said(app)
    leading = taxonomy.term(image.readings[0].prediction).name
    press(app, "Compute LayerCAM")
    in_order(app)
    size = served.reader.model_file.input_size
    assert explainer.asked == [(Method.LAYER_CAM, leading, (size, size))]
    assert "Computed in 1.2 s." in said(app) and explanations.REMINDER in said(app)

    widget(app.selectbox, "Method, first").set_value(Method.LIME).run()
    widget(app.selectbox, "Method, second").set_value(Method.SHAP).run()
    press(app, "Compute LIME and SHAP")
    in_order(app)
    assert [method for method, _, _ in explainer.asked[1:]] == [Method.LIME, Method.SHAP]
    for method in (Method.LIME, Method.SHAP):
        assert WHAT_IT_SHOWS[method] in said(app)
    # What was computed is still there, and of another class nothing is.
    widget(app.selectbox, "Method, second").set_value(Method.LAYER_CAM).run()
    assert "Not computed yet." not in said(app)
    other = next(name for name in image.readings[0].probabilities if name != leading)
    widget(app.selectbox, "Explain the class").set_value(other).run()
    press(app, "Compute LIME and LayerCAM")
    assert explainer.asked[3:] == [(method, other, (size, size)) for method in (Method.LIME, Method.LAYER_CAM)]


def test_a_reading_of_another_model_is_explained_by_what_was_kept_alone(
    sit: Sit, charts: Charts, clinician: Actor, served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, lesion, image = charts.filled()
    explainer = served.explainer = InstantExplainer()
    newer = served.reader.model_file.model_copy(update={"version": "efficientnet_b0-newer"})
    monkeypatch.setattr(served.reader, "model_file", newer)
    sit(clinician)
    app = opened(navigation.LESION, id=lesion.id)
    widget(app.toggle, "Compare explanations").set_value(True).run()
    in_order(app)
    assert OTHER_MODEL in said(app)
    assert widget(app.selectbox, "Method, first").options == [Method.GRAD_CAM]
    assert [one.label for one in app.button if one.label.startswith("Compute")] == []
    with pytest.raises(Unavailable, match="Another model"):
        explain_reading(
            charts.database,
            clinician,
            store=served.images,
            reader=served.reader,
            explainer=explainer,
            reading_id=image.readings[0].id,
            method=Method.LIME,
            class_name="nevus",
        )
    assert explainer.asked == []


def test_an_explanation_that_fails_is_told(
    sit: Sit, charts: Charts, clinician: Actor, served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_more: Any) -> None:
        raise Unavailable("The explanation could not be computed. Please try again.")

    served.explainer = InstantExplainer()
    monkeypatch.setattr(served.explainer, "explain", fail)
    _, _, lesion, _ = charts.filled()
    sit(clinician)
    app = opened(navigation.LESION, id=lesion.id)
    widget(app.toggle, "Compare explanations").set_value(True).run()
    press(app, "Compute LayerCAM")
    assert errors(app) == ["The explanation could not be computed. Please try again."]


def test_an_image_that_the_model_cannot_read_gets_no_answer_but_is_kept(
    sit: Sit, charts: Charts, clinician: Actor
) -> None:
    patient = charts.patient()
    visit, lesion = charts.visit(patient), charts.lesion(patient)
    noise = io.BytesIO()
    grains = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    Picture.fromarray(grains).save(noise, "PNG")
    image = charts.image(visit, lesion, noise.getvalue())
    assert image.reading is not None
    assert (image.reading.certainty, image.reading.concern) == (Certainty.UNREADABLE, NO_LESION)
    sit(clinician)
    app = opened(navigation.LESION, id=lesion.id)
    in_order(app)
    assert any(NO_LESION in one.value for one in app.warning)
    told = said(app)
    assert "Malignant or precancerous, all such classes together" not in told
    assert "Compare explanations" not in [toggle.label for toggle in app.toggle]
    for page in (navigation.HOME, navigation.PATIENT):
        other = opened(page, id=patient.id)
        in_order(other)
        assert "Not readable" in said(other)


def test_a_doubtful_reading_says_so_and_names_what_it_may_be(
    sit: Sit, charts: Charts, clinician: Actor, served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = served.reader.model_file
    doubtful = model.model_copy(
        update={
            "certainty": model.certainty.model_copy(update={"strange_from": -99.0, "refused_from": 99.0}),
            "conformal_bounds": dict.fromkeys(model.classes, 0.0),
        }
    )
    monkeypatch.setattr(served.reader, "model_file", doubtful)
    _, _, lesion, image = charts.filled()
    assert image.reading is not None
    assert image.reading.prediction_set is not None
    assert len(image.reading.prediction_set) == 9
    sit(clinician)
    app = opened(navigation.LESION, id=lesion.id)
    in_order(app)
    assert any("Uncertain: needs review." in one.value for one in app.warning)
    names = ", ".join(taxonomy.term(name).title for name in image.reading.prediction_set)
    assert f"May be: **{names}**" in said(app)


def test_two_images_of_a_lesion_are_aligned_and_others_are_shown_side_by_side(
    charts: Charts, clinician: Actor, sit: Sit
) -> None:
    patient = charts.patient()
    lesion = charts.lesion(patient)
    # The first and the last show one lesion; the one between them, by mistake, another.
    for days_ago, seed, day in ((90, 1, 0), (60, 50, 0), (30, 1, 2)):
        file = lesion_file(seed, size=256, visit=day)
        charts.image(charts.visit(patient, days_ago=days_ago), lesion, file)
    sit(clinician)
    app = press(opened(navigation.LESION, id=lesion.id), "Compare two images")
    assert app.title[0].value == "Compare · Lesion L1"

    app = opened(navigation.COMPARE, id=lesion.id)
    in_order(app)
    assert "**Aligned by the skin** · quality of the fit 0." in said(app)

    widget(app.selectbox, "Second image").set_value(1)
    app.run()
    in_order(app)
    assert "could not be aligned" in said(app)

    widget(app.selectbox, "First image").set_value(1)
    app.run()
    assert "Choose two different images." in said(app)


def test_one_image_is_nothing_to_compare(charts: Charts, clinician: Actor, sit: Sit) -> None:
    _, _, lesion, _ = charts.filled()
    sit(clinician)
    assert "A comparison needs two images" in said(opened(navigation.COMPARE, id=lesion.id))


def downloads(app: AppTest) -> list[str]:
    return [button.proto.label for button in app.get("download_button")]


def trail(charts: Charts) -> list[str]:
    return [entry.action for entry in audit.search_audit(charts.database, OPERATOR)]


def test_a_report_is_printed_by_the_desk_and_a_chart_exported_by_a_clinician(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    patient, visit, lesion, _ = charts.filled()
    sit(people[Role.STAFF])
    for name, row in ((navigation.VISIT, visit), (navigation.LESION, lesion)):
        app = press(opened(name, id=row.id), "Prepare report")
        in_order(app)
        assert len(downloads(app)) == 1
    assert "A clinician or an administrator exports a chart." in said(opened(navigation.PATIENT, id=patient.id))
    assert trail(charts).count("patient.export.pdf") == 2
    sit(people[Role.CLINICIAN])
    app = opened(navigation.PATIENT, id=patient.id)
    widget(app.selectbox, "Form").set_value("fhir").run()
    app = press(app, "Prepare export")
    in_order(app)
    assert downloads(app) == [f"Download patient-{patient.id}.json"]
    assert trail(charts)[0] == "patient.export.fhir"
    widget(app.selectbox, "Form").set_value("isic").run()
    assert "not consented" in errors(press(app, "Prepare export"))[0]
    assert "Record number, to confirm" not in [field.label for field in app.text_input]


def test_an_administrator_erases_a_patient_by_typing_the_number(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    patient, *_ = charts.filled()
    sit(people[Role.ADMINISTRATOR])
    app = opened(navigation.PATIENT, id=patient.id)
    fill(app, **{"Record_number,_to_confirm": "T-0"})
    assert "Nothing was erased" in errors(press(app, "Erase for good"))[0]
    fill(app, **{"Record_number,_to_confirm": patient.record_number})
    app = press(app, "Erase for good")
    in_order(app)
    assert "The patient is erased." in said(app)
    assert patients.latest_patients(charts.database, OPERATOR) == []


def test_a_dicom_file_of_another_patient_is_held_back_until_somebody_has_looked(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    _, visit, lesion, _ = charts.filled()
    other, *_, image = charts.filled(name="Somebody Else")
    whole = images.get_image(charts.database, OPERATOR, image_id=image.id)
    data = dicom_file(whole, other, decode(charts.intake.store.get(image.sha256)))
    sit(people[Role.STAFF])
    app = opened(navigation.VISIT, id=visit.id)
    app.file_uploader[0].set_value(("lesion.dcm", data, "application/dicom")).run()
    app = press(app, "Add and read")
    assert "names another patient, or nobody" in errors(app)[0]
    assert len(lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=lesion.id)) == 1
    # It is not let in by that answer alone where another chart holds the image too.
    app = press(app, "It belongs here: add it")
    assert "is already in the chart of another patient" in errors(app)[0]
    press(app, "It belongs here too: add it")
    assert len(lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=lesion.id)) == 2


def test_a_lesion_is_outlined_when_asked_and_its_images_compared(
    people: dict[Role, Actor], charts: Charts, sit: Sit
) -> None:
    sit(people[Role.CLINICIAN])
    patient = charts.patient()
    lesion = charts.lesion(patient)
    for days_ago, visit in ((60, 0), (1, 1)):
        taken = charts.visit(patient, days_ago=days_ago)
        charts.image(taken, lesion, lesion_file(5, size=192, visit=visit))
    app = opened(navigation.LESION, id=lesion.id)
    in_order(app)
    assert "Outlined by" not in said(app)
    app = widget(app.toggle, "Outline and measure").set_value(True).run()
    in_order(app)
    assert "Outlined by the network outline-" in said(app)
    assert "No scale is known: sizes are in pixels." in said(app)
    app = press(app, "Outline the other image")
    in_order(app)
    (table,) = app.dataframe
    (area,) = table.value["Area"]
    # The same lesion on another day: measured, and not called a change.
    assert " px² ± " in area
    assert "changed" not in area
    app = widget(app.toggle, "Align the images, to take magnification out").set_value(False).run()
    in_order(app)
    (table,) = app.dataframe
    assert list(table.value["Area"]) == ["not comparable"]
    assert table.value["Asymmetry"].str.contains("±").all()
    assert "Sizes compare only where both images have a scale, or are aligned by the skin around the lesion." in said(
        app
    )


def drawn(app: AppTest) -> tuple[str, str]:
    """What the timeline says aloud, and its specification."""
    charts = [*app.get("vega_lite_chart"), *app.get("arrow_vega_lite_chart")]
    (chart,) = [chart.proto for chart in charts if chart.proto.alt.startswith("Malignant probability")]
    return chart.alt, chart.spec


def test_the_timeline_draws_what_was_measured_and_planned(
    people: dict[Role, Actor], charts: Charts, sit: Sit, served: Workspace
) -> None:
    sit(people[Role.CLINICIAN])
    clinician, database = people[Role.CLINICIAN], served.database
    patient = charts.patient()
    lesion = charts.lesion(patient)
    taken = [
        charts.image(charts.visit(patient, days_ago=days), lesion, lesion_file(5, size=200, visit=turn))
        for turn, days in enumerate((90, 60, 30))
    ]
    app = opened(navigation.LESION, id=lesion.id)
    in_order(app)
    assert "Area and the terms A, B and C are drawn here once the images are outlined" in said(app)
    assert "area" not in drawn(app)[0]
    here = {"store": served.images, "outliner": served.outliner}
    for image in taken[:2]:
        outlines.outline_of(database, clinician, image_id=image.id, **here)
    plans.set_plan(database, clinician, lesion_id=lesion.id, kind=PlanKind.EXCISION)
    judgements.record_diagnosis(
        database, clinician, lesion_id=lesion.id, name="melanoma", confirm_type=ConfirmType.HISTOPATHOLOGY
    )
    app = opened(navigation.LESION, id=lesion.id)
    in_order(app)
    spoken, _ = drawn(app)
    assert "procedure excision planned; pathology result: melanoma" in spoken
    assert "A: asymmetry: " in spoken and "B: abrupt border: " in spoken and "C: colours: " in spoken
    # Pixels of two images are not drawn on one axis.
    assert "area" not in spoken
    assert "1 of 3 images are not outlined yet" in said(app)
    assert "2 of 2 areas are left out: without a scale they do not compare." in said(app)
    app = widget(app.toggle, "Compare the areas of aligned images").set_value(True).run()
    in_order(app)
    first = f"{(clock.now() - timedelta(days=90)).astimezone():%-d %b %Y}"
    assert f"area, % of the first: {first} 100.0 ± " in drawn(app)[0]
    for image in taken[:2]:
        outlines.set_scale(database, clinician, image_id=image.id, mm_per_pixel=0.02)
    app = opened(navigation.LESION, id=lesion.id)
    in_order(app)
    spoken, spec = drawn(app)
    assert re.search(r"area, mm²: .+ \d+\.\d ± \d+\.\d mm², ", spoken)
    assert "area, mm" in spec
    assert "Compare the areas of aligned images" not in [toggle.label for toggle in app.toggle]
