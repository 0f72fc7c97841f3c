"""A lesion through time: its images with their readings, the trend, the diagnosis and the recall."""

from collections.abc import Sequence
from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st

from core import taxonomy
from core.records import clock, judgements, lesions, readings
from core.records.actor import Permission
from core.records.tables import Image, Lesion
from core.records.terms import ConfirmType
from dashboard import navigation, page
from dashboard.components import exports
from dashboard.components.banner import banner
from dashboard.components.reading import diagnosis_badge, reading_panel, thumbnail
from dashboard.session import workspace

FILMSTRIP = 12
INTERVALS = {"in 3 months": 91, "in 6 months": 182, "in 12 months": 365, "on a date": None}

actor, database = page.person(), page.database()
may_diagnose = actor.may(Permission.DIAGNOSE)


def filmstrip(lesion: Lesion, found: Sequence[Image]) -> Image:
    """The images in time order, the earlier ones on request; the one chosen, which is the last at first."""
    earlier = len(found) - FILMSTRIP
    shown = range(len(found))
    if earlier > 0 and not st.toggle(f"Show {earlier} earlier images", key=f"earlier:{lesion.id}"):
        shown = range(earlier, len(found))
    for start in range(shown.start, shown.stop, 6):
        for column, image in zip(st.columns(6), found[start : min(start + 6, shown.stop)], strict=False):
            with column:
                thumbnail(image)
                reading = image.reading
                probability = f" · {reading.malignant_probability:.0%}" if reading else ""
                st.caption(page.day(image.visit.at) + probability)
    if len(found) == 1:
        return found[0]
    position = st.segmented_control(
        "Show",
        shown,
        default=shown[-1],
        required=True,
        format_func=lambda index: f"{index + 1} · {page.day(found[index].visit.at)}",
        key=f"show:{lesion.id}:{len(found)}:{shown.start}",
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
    # A legend takes its height from the lines, and tells nothing of a single one.
    several = frame["model version"].nunique() > 1
    legend = alt.Legend(orient="bottom", title="Model", labelLimit=400) if several else None
    chart = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=70))
        .encode(
            x=alt.X("taken:T", title=None),
            y=alt.Y(
                "malignant probability:Q",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%"),
                title="malignant or precancerous",
            ),
            color=alt.Color("model version:N", legend=legend),
            tooltip=["taken:T", alt.Tooltip("malignant probability:Q", format=".1%"), "leading class:N"],
        )
    )
    spoken = ", ".join(f"{point['taken']:%-d %b %Y} {point['malignant probability']:.0%}" for point in points)
    st.altair_chart(chart.properties(height=240), width="stretch", alt=f"Malignant probability: {spoken}")


def diagnosis_form(lesion: Lesion, seen_reading_id: int | None) -> None:
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
                seen_reading_id=seen_reading_id,
            )
            page.next_turn(form)
            page.tell_next("The diagnosis is recorded.")
            st.rerun()


def diagnosis_section(lesion: Lesion, seen_reading_id: int | None) -> None:
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
        diagnosis_form(lesion, seen_reading_id)
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
    chosen = filmstrip(lesion, found)
    reading_section(chosen)
    st.subheader("Trend")
    trend(found)
else:
    st.info("No image yet. Add one during a visit.", icon=":material/add_photo_alternate:")
    navigation.link_to(navigation.PATIENT, "Open the chart to log a visit", id=lesion.patient_id)
left, right = st.columns(2, gap="large")
with left:
    diagnosis_section(lesion, max((reading.id for image in found for reading in image.readings), default=None))
with right:
    recall_section(lesion)
exports.lesion_report(lesion)
