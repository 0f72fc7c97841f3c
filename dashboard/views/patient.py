"""A patient's chart: visits, lesions, details and what was changed in them."""

import streamlit as st

from core.records import clock, lesions, patients, users, visits
from core.records.lesions import LesionSummary
from core.records.patients import PatientDetails
from core.records.tables import Patient
from dashboard import navigation, page
from dashboard.components.banner import banner
from dashboard.components.exports import export_section
from dashboard.components.lesion_state import state_badge
from dashboard.components.patient_form import patient_form
from dashboard.components.patient_map import patient_map
from dashboard.components.reading import diagnosis_badge, reading_badge, thumbnail
from dashboard.components.referrals import referrals_tab
from dashboard.components.visit_form import visit_form

SHOWN_AT_FIRST = 20
"""Lesions whose cards come with the page: a thumbnail that is made for the first time takes longer than all else."""

actor, database = page.person(), page.database()


def log_visit_form(patient: Patient) -> None:
    mine = next((user for user in users.clinicians(database, actor) if user.id == actor.user_id), None)
    form = f"log_visit:{patient.id}"
    key = page.turn_key(form)
    # The moment at which the form first appeared: one that went on with the clock would lose what was typed over it.
    now = st.session_state.setdefault(f"{key}:now", clock.now().replace(second=0, microsecond=0))
    entry = visit_form(key, submit="Log visit", icon=":material/event_available:", at=now, clinician=mine)
    if entry is not None:
        with page.errors_told():
            visit = visits.log_visit(
                database,
                actor,
                patient_id=patient.id,
                at=entry.at,
                reason=entry.reason,
                clinician_id=entry.clinician_id,
                notes=entry.notes,
            )
            page.next_turn(form)
            page.tell_next("The visit is logged.")
            navigation.go_to(navigation.VISIT, id=visit.id)


def visits_tab(patient: Patient) -> None:
    found = visits.visits_of(database, actor, patient_id=patient.id)
    with st.expander("Log a visit", icon=":material/add:", expanded=not found):
        log_visit_form(patient)
    for visit in found:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            navigation.link_to(navigation.VISIT, page.day_and_time(visit.at), id=visit.id, icon=":material/event:")
            clinician = f" · {visit.clinician.full_name}" if visit.clinician else ""
            st.text(f"{visit.reason}{clinician}")


def lesion_card(summary: LesionSummary) -> None:
    lesion, latest = summary.lesion, summary.latest
    with st.container(border=True):
        if latest:
            thumbnail(latest)
        navigation.link_to(navigation.LESION, f"**{lesion.label}** {lesion.place}", id=lesion.id)
        if lesion.description:
            st.caption(page.plain(lesion.description))
        state_badge(summary.state)
        if summary.diagnosis:
            diagnosis_badge(summary.diagnosis)
        elif latest and latest.reading:
            reading_badge(latest.reading)
        last = f", last {page.day(latest.visit.at)}" if latest else ""
        st.caption(f"{summary.images} image{'' if summary.images == 1 else 's'}{last}")
        if summary.recall:
            overdue = summary.recall.due_on < clock.today()
            color = "red" if overdue else "blue"
            st.badge(f"Recall {summary.recall.due_on:%-d %b %Y}", color=color, icon=":material/event_repeat:")


def lesions_tab(patient: Patient) -> None:
    found = lesions.lesions_of(database, actor, patient_id=patient.id)
    if patient_map("chart", patient_id=patient.id) is not None:
        st.rerun()
    if not found:
        st.info("No lesion yet. Add one here, or during a visit.", icon=":material/add_location:")
    many = len(found) > SHOWN_AT_FIRST
    if many and not st.toggle(f"Show all {len(found)} lesions", key=f"all:{patient.id}"):
        found = found[:SHOWN_AT_FIRST]
        st.caption(f"The first {SHOWN_AT_FIRST} are shown below; the map leads to each of them.")
    for start in range(0, len(found), 4):
        for column, summary in zip(st.columns(4), found[start : start + 4], strict=False):
            with column:
                lesion_card(summary)


def details_tab(patient: Patient) -> None:
    editing = f"editing_{patient.id}"
    if editing not in st.session_state:
        show_details(patient)
        if st.button("Edit details", icon=":material/edit:"):
            # The version seen when the editing began goes with the form: a change made meanwhile is not overwritten.
            st.session_state[editing] = (PatientDetails.of(patient), patient.version)
            st.rerun()
        return
    seen, version = st.session_state[editing]
    details = patient_form(f"edit_{patient.id}", seen, submit="Save changes")
    if details is not None:
        with page.errors_told():
            patients.edit_patient(database, actor, patient_id=patient.id, details=details, version=version)
            del st.session_state[editing]
            page.tell_next("The changes are saved.")
            st.rerun()
    if version != patient.version:
        st.warning("Somebody else has changed this patient since you opened this form.", icon=":material/sync_problem:")
    if st.button("Leave without saving", icon=":material/close:"):
        del st.session_state[editing]
        st.rerun()


def show_details(patient: Patient) -> None:
    known = {True: "yes", False: "no", None: "not asked"}
    left, right = st.columns(2, gap="large")
    with left:
        show_fact("Record number", patient.record_number)
        show_fact("Name", patient.name)
        show_fact("Date of birth", f"{patient.birth_date:%-d %b %Y}")
        show_fact("Sex", patient.sex)
        show_fact("Phone", patient.phone)
        show_fact("Email", patient.email)
    with right:
        show_fact("Fitzpatrick skin type", patient.fitzpatrick_skin_type)
        show_fact("Melanoma before", known[patient.personal_hx_mm])
        show_fact("Melanoma in the family", known[patient.family_hx_mm])
        show_fact("Notes", patient.notes)
        consent = patient.photo_consent_on
        show_fact("Photo consent", f"{consent:%-d %b %Y}: {patient.photo_consent_wording}" if consent else "not given")


def show_fact(label: str, value: str | None) -> None:
    st.caption(label)
    st.text(value or "–")


def history_tab(patient: Patient) -> None:
    changes = patients.patient_history(database, actor, patient_id=patient.id)
    if not changes:
        st.info("Nothing was changed since the patient was registered.", icon=":material/history:")
        return
    rows = [
        {
            "When": page.day_and_time(change.at),
            "Who": change.user_name,
            "What": change.field.replace("_", " "),
            "Before": change.before or "–",
            "After": change.after or "–",
        }
        for change in changes
    ]
    st.dataframe(rows, hide_index=True)


with page.page_of_one_thing():
    patient = patients.open_chart(database, actor, patient_id=navigation.id_in_address())
st.title("Patient")
banner(patient)
tabs = st.tabs(["Lesions", "Visits", "Referrals", "Details", "History of changes", "Export"])
shown = (lesions_tab, visits_tab, referrals_tab, details_tab, history_tab, export_section)
for tab, show in zip(tabs, shown, strict=True):
    with tab:
        show(patient)
