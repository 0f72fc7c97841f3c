"""A lesion through time: its images with their readings on a time axis, the state, the diagnosis and the recall."""

from datetime import timedelta

import streamlit as st

from core import taxonomy
from core.records import clock, judgements, lesions, outlines, readings, timeline
from core.records.actor import Permission
from core.records.tables import Image, Lesion
from core.records.terms import ConfirmType
from dashboard import navigation, page
from dashboard.components import exports
from dashboard.components.banner import banner
from dashboard.components.judgement import checklists_section, plan_section
from dashboard.components.lesion_state import state_section
from dashboard.components.measurements import measurements
from dashboard.components.reading import diagnosis_badge, reading_panel
from dashboard.components.reread import reread_section, tell_failed
from dashboard.components.similar import similar_cases
from dashboard.components.timeline import choose_image
from dashboard.components.timeline import timeline as show_timeline
from dashboard.session import workspace

INTERVALS = {"in 3 months": 91, "in 6 months": 182, "in 12 months": 365, "on a date": None}

actor, database = page.person(), page.database()
may_diagnose = actor.may(Permission.DIAGNOSE)


def diagnosis_form(lesion: Lesion, seen_reading_ids: list[int]) -> None:
    form = f"diagnosis:{lesion.id}"
    key = page.turn_key(form)
    with st.form(key):
        name = st.selectbox(
            "Diagnosis",
            judgements.DIAGNOSES,
            None,
            placeholder="Choose",
            format_func=lambda name: taxonomy.term(name).title,
            key=f"{key}:name",
        )
        other = st.text_input("Or another diagnosis", max_chars=200, key=f"{key}:other")
        confirmed = st.selectbox(
            "Confirmed by", list(ConfirmType), format_func=lambda kind: kind[0].upper() + kind[1:], key=f"{key}:type"
        )
        notes = st.text_area("Notes", height=80, key=f"{key}:notes")
        sent = st.form_submit_button("Record diagnosis", type="primary", icon=":material/stethoscope:")
    if sent and name and other.strip():
        st.error("Choose a diagnosis or write another one, not both.", icon=":material/error:")
    elif sent:
        with page.errors_told():
            judgements.record_diagnosis(
                database,
                actor,
                lesion_id=lesion.id,
                name=name or other,
                confirm_type=confirmed,
                notes=notes,
                seen_reading_ids=seen_reading_ids,
            )
            page.next_turn(form)
            page.tell_next("The diagnosis is recorded.")
            st.rerun()


def diagnosis_section(lesion: Lesion, seen_reading_ids: list[int]) -> None:
    st.subheader("Diagnosis")
    said = judgements.diagnoses_of(database, actor, lesion_id=lesion.id)
    for position, diagnosis in enumerate(said):
        if position == 0:
            diagnosis_badge(diagnosis)
        else:
            st.markdown(f"~~{page.plain(diagnosis.name)}~~ (superseded)")
        st.caption(f"{diagnosis.user.full_name}, {page.day(diagnosis.at)}, {diagnosis.confirm_type}")
        if diagnosis.notes:
            st.text(diagnosis.notes)
    if not said:
        st.caption("No clinician has recorded a diagnosis yet.")
    if may_diagnose:
        diagnosis_form(lesion, seen_reading_ids)
    else:
        st.caption("A clinician records the diagnosis and sets the recall.")


def recall_section(lesion: Lesion) -> None:
    st.subheader("Recall")
    recall = judgements.open_recall(database, actor, lesion_id=lesion.id)
    if recall:
        overdue = recall.due_on < clock.today()
        word = "Overdue since" if overdue else "Due"
        st.badge(
            f"{word} {recall.due_on:%-d %b %Y}", color="red" if overdue else "blue", icon=":material/event_repeat:"
        )
        if recall.reason:
            st.text(recall.reason)
        if st.button("Patient has been seen", icon=":material/done:", key=f"seen:{recall.id}"):
            with page.errors_told():
                judgements.close_recall(database, actor, recall_id=recall.id)
                page.tell_next("The recall is closed.")
                st.rerun()
    else:
        st.caption("No recall is set.")
    if may_diagnose:
        recall_form(lesion)


def recall_form(lesion: Lesion) -> None:
    form = f"recall:{lesion.id}"
    key = page.turn_key(form)
    with st.form(key):
        interval = st.selectbox("Look again", list(INTERVALS), key=f"{key}:interval")
        earliest = clock.today() + timedelta(days=1)
        on = st.date_input(
            "Date",
            earliest,
            min_value=earliest,
            format="YYYY-MM-DD",
            help="Used where “on a date” is chosen.",
            key=f"{key}:date",
        )
        reason = st.text_input("Reason", max_chars=200, key=f"{key}:reason")
        sent = st.form_submit_button("Set recall", type="primary", icon=":material/event_repeat:")
    if sent:
        days = INTERVALS[interval]
        with page.errors_told():
            judgements.set_recall(
                database,
                actor,
                lesion_id=lesion.id,
                due_on=on if days is None else clock.today() + timedelta(days=days),
                reason=reason,
            )
            page.next_turn(form)
            page.tell_next("The recall is set.")
            st.rerun()


def reading_section(image: Image) -> None:
    reading_panel(image)
    reading = image.reading
    with st.container(horizontal=True):
        if reading and reading.review:
            st.badge("Reviewed", color="green", icon=":material/done_all:")
        elif (
            reading
            and may_diagnose
            and st.button("Mark as reviewed", icon=":material/done_all:", key=f"review:{reading.id}")
        ):
            with page.errors_told():
                readings.review_reading(database, actor, reading_id=reading.id)
                st.rerun()
        here = workspace()
        outdated = reading is None or reading.model_version != here.reader.model_version
        if outdated and st.button("Read with the current model", icon=":material/refresh:", key=f"read:{image.id}"):
            with page.errors_told():
                readings.read_again(database, actor, store=here.images, reader=here.reader, image_id=image.id)
                st.rerun()


with page.page_of_one_thing():
    lesion = lesions.get_lesion(database, actor, lesion_id=navigation.id_in_address())
st.title(f"Lesion {lesion.label} · {lesion.place}")
banner(lesion.patient)
if lesion.description:
    st.text(lesion.description)
found = lesions.images_of_lesion(database, actor, lesion_id=lesion.id)
if found:
    st.subheader("Timeline")
    show_timeline(
        found,
        timeline.decisions_on(database, actor, lesion_id=lesion.id),
        outlines.measures_of_lesion(database, actor, lesion_id=lesion.id),
    )
    reread_section(lesion)
    tell_failed(lesion)
    if len(found) > 1 and st.button("Compare two images", icon=":material/compare:", key=f"compare:{lesion.id}"):
        navigation.go_to(navigation.COMPARE, id=lesion.id)
    chosen = choose_image(lesion, found)
    reading_section(chosen)
    measurements(actor, chosen)
    similar_cases(chosen)
else:
    st.info("No image yet. Add one during a visit.", icon=":material/add_photo_alternate:")
    navigation.link_to(navigation.PATIENT, "Open the chart to log a visit", id=lesion.patient_id)
left, right = st.columns(2, gap="large")
with left:
    diagnosis_section(lesion, [reading.id for image in found for reading in image.readings])
    checklists_section(lesion)
with right:
    state_section(lesion)
    plan_section(lesion)
    recall_section(lesion)
exports.lesion_report(lesion)
