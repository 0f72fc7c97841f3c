"""A lesion through time: its images with their readings, the trend, the diagnosis and the recall."""

from collections.abc import Sequence
from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st

from core import taxonomy
from core.records import clock, judgements, lesions, readings
from core.records.actor import Permission
from core.records.tables import ConfirmType, Image, Lesion
from dashboard import navigation, page
from dashboard.components.banner import banner
from dashboard.components.reading import diagnosis_badge, reading_panel, thumbnail
from dashboard.session import workspace

OTHER = "another diagnosis"
INTERVALS = {"in 3 months": 91, "in 6 months": 182, "in 12 months": 365, "on a date": None}

actor, database = page.person(), page.database()
may_diagnose = actor.may(Permission.DIAGNOSE)


def filmstrip(found: Sequence[Image]) -> Image:
    """The images in time order; the one chosen, which is the last at first."""
    for start in range(0, len(found), 6):
        for column, image in zip(st.columns(6), found[start : start + 6], strict=False):
            with column:
                thumbnail(image)
                st.caption(
                    page.day(image.visit.at)
                    + (f" · {image.reading.malignant_probability:.0%}" if image.reading else "")
                )
    if len(found) == 1:
        return found[0]
    position = st.segmented_control(
        "Show",
        range(len(found)),
        default=len(found) - 1,
        required=True,
        format_func=lambda index: f"{index + 1} · {page.day(found[index].visit.at)}",
    )
    return found[position]


def trend(found: Sequence[Image]) -> None:
    """Malignant probability over time, one line per model version, since versions do not compare."""
    points = [
        {
            "taken": image.visit.at.astimezone(),
            "malignant probability": image.reading.malignant_probability,
            "model version": image.reading.model_version,
            "leading class": taxonomy.term(image.reading.prediction).title,
        }
        for image in found
        if image.reading
    ]
    if len(points) < 2:
        st.info("The trend appears with the second image.", icon=":material/show_chart:")
        return
    frame = pd.DataFrame(points)
    chart = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=70))
        .encode(
            x=alt.X("taken:T", title=None),
            y=alt.Y(
                "malignant probability:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"), title="malignant"
            ),
            color=alt.Color("model version:N", legend=alt.Legend(orient="bottom", title="Model")),
            tooltip=["taken:T", alt.Tooltip("malignant probability:Q", format=".1%"), "leading class:N"],
        )
    )
    spoken = ", ".join(f"{point['taken']:%-d %b %Y} {point['malignant probability']:.0%}" for point in points)
    st.altair_chart(chart.properties(height=240), width="stretch", alt=f"Malignant probability: {spoken}")


def diagnosis_form(lesion: Lesion) -> None:
    with st.form("diagnosis", clear_on_submit=True):
        name = st.selectbox(
            "Diagnosis",
            [*judgements.DIAGNOSES, OTHER],
            None,
            placeholder="Choose",
            format_func=lambda name: name[0].upper() + name[1:],
        )
        other = st.text_input("Another diagnosis", max_chars=200, help=f"Used where “{OTHER}” is chosen.")
        confirmed = st.selectbox("Confirmed by", list(ConfirmType), format_func=lambda kind: kind[0].upper() + kind[1:])
        notes = st.text_area("Notes", height=80)
        sent = st.form_submit_button("Record diagnosis", type="primary", icon=":material/stethoscope:")
    if sent:
        with page.errors_told():
            judgements.record_diagnosis(
                database,
                actor,
                lesion_id=lesion.id,
                name=other if name in (OTHER, None) else name,
                confirm_type=confirmed,
                notes=notes,
            )
            page.tell_next("The diagnosis is recorded.")
            st.rerun()


def diagnosis_section(lesion: Lesion) -> None:
    st.subheader("Diagnosis")
    said = judgements.diagnoses_of(database, actor, lesion_id=lesion.id)
    for position, diagnosis in enumerate(said):
        if position == 0:
            diagnosis_badge(diagnosis)
        else:
            st.markdown(f"~~{diagnosis.name}~~ (superseded)")
        st.caption(f"{diagnosis.user.full_name}, {page.day(diagnosis.at)}, {diagnosis.confirm_type}")
        if diagnosis.notes:
            st.markdown(diagnosis.notes)
    if not said:
        st.caption("No clinician has recorded a diagnosis yet.")
    if may_diagnose:
        diagnosis_form(lesion)
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
            st.markdown(recall.reason)
        if st.button("Patient has been seen", icon=":material/done:"):
            with page.errors_told():
                judgements.close_recall(database, actor, lesion_id=lesion.id)
                page.tell_next("The recall is closed.")
                st.rerun()
    else:
        st.caption("No recall is set.")
    if may_diagnose:
        recall_form(lesion)


def recall_form(lesion: Lesion) -> None:
    with st.form("recall"):
        interval = st.selectbox("Look again", list(INTERVALS))
        earliest = clock.today() + timedelta(days=1)
        on = st.date_input(
            "Date", earliest, min_value=earliest, format="YYYY-MM-DD", help="Used where “on a date” is chosen."
        )
        reason = st.text_input("Reason", max_chars=200)
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
            page.tell_next("The recall is set.")
            st.rerun()


def reading_section(image: Image) -> None:
    reading_panel(image)
    reading = image.reading
    with st.container(horizontal=True):
        if reading and reading.review:
            st.badge("Reviewed", color="green", icon=":material/done_all:")
        elif reading and may_diagnose and st.button("Mark as reviewed", icon=":material/done_all:"):
            with page.errors_told():
                readings.review_reading(database, actor, reading_id=reading.id)
                st.rerun()
        here = workspace()
        outdated = reading is None or reading.model_version != here.reader.model_version
        if outdated and st.button("Read with the current model", icon=":material/refresh:"):
            with page.errors_told():
                readings.read_again(database, actor, store=here.images, reader=here.reader, image_id=image.id)
                st.rerun()


with page.page_of_one_thing():
    lesion = lesions.get_lesion(database, actor, lesion_id=navigation.id_in_address())
st.title(f"Lesion {lesion.label} · {lesion.place}")
banner(lesion.patient)
if lesion.description:
    st.markdown(lesion.description)
found = lesions.images_of_lesion(database, actor, lesion_id=lesion.id)
if found:
    chosen = filmstrip(found)
    reading_section(chosen)
    st.subheader("Trend")
    trend(found)
else:
    st.info("No image yet. Add one during a visit.", icon=":material/add_photo_alternate:")
    navigation.link_to(navigation.PATIENT, "Open the chart to log a visit", id=lesion.patient_id)
left, right = st.columns(2, gap="large")
with left:
    diagnosis_section(lesion)
with right:
    recall_section(lesion)
