"""Home: what the day holds."""

from datetime import timedelta

import streamlit as st

from core.records import clock, judgements, readings, visits
from core.records.tables import Recall, StoredReading, Visit
from dashboard import navigation, page
from dashboard.components.reading import probability_text, reading_badge

SHOWN = 12
RECALLS_AHEAD = timedelta(days=14)

actor, database = page.person(), page.database()
today = clock.today()


def visit_row(visit: Visit) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{visit.at.astimezone():%H:%M}**", width=60)
        navigation.link_to(navigation.VISIT, page.plain(visit.patient.name), id=visit.id)
        clinician = f" · {visit.clinician.full_name}" if visit.clinician else ""
        st.caption(page.plain(f"{visit.reason}{clinician}"), width="content")


def reading_row(reading: StoredReading) -> None:
    lesion = reading.image.lesion
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{probability_text(reading)}**", width=60)
        navigation.link_to(navigation.LESION, f"{page.plain(lesion.patient.name)} · {lesion.label}", id=lesion.id)
        reading_badge(reading)
        st.caption(page.day(reading.image.visit.at), width="content")


def recall_row(recall: Recall) -> None:
    days = (recall.due_on - today).days
    with st.container(horizontal=True, vertical_alignment="center"):
        if days < 0:
            st.badge(f"{-days} days overdue", color="red")
        else:
            st.badge({0: "due today", 1: "due tomorrow"}.get(days, f"due in {days} days"), color="orange")
        lesion = recall.lesion
        navigation.link_to(navigation.LESION, f"{page.plain(lesion.patient.name)} · {lesion.label}", id=lesion.id)
        st.caption(page.plain(recall.reason or lesion.place), width="content")


def shown(what: str) -> int:
    return SHOWN * st.session_state.get(f"pages of {what}", 1)


def offer_more(what: str, left: int) -> None:
    if left > 0 and st.button(f"Show more ({left})", icon=":material/expand_more:", key=f"more {what}"):
        st.session_state[f"pages of {what}"] = shown(what) // SHOWN + 1
        st.rerun()


todays = visits.visits_on(database, actor, day=today)
unreviewed = readings.unreviewed_readings(database, actor, limit=shown("readings"))
waiting = readings.count_unreviewed(database, actor)
recalls = judgements.recalls_until(database, actor, day=today + RECALLS_AHEAD, limit=shown("recalls"))
due = judgements.count_recalls(database, actor, day=today + RECALLS_AHEAD)
overdue = judgements.count_recalls(database, actor, day=today - timedelta(days=1))

st.title("Today")
st.caption(f"{today:%A, %-d %B %Y}")
counts = st.columns(3)
counts[0].metric("Visits today", len(todays), border=True)
counts[1].metric("Readings to review", waiting, border=True)
counts[2].metric("Recalls overdue", overdue, border=True)

with st.container(key="lists"):
    left, right = st.columns(2, gap="large")
with left:
    st.subheader("Readings nobody has reviewed")
    st.caption("The most probably malignant first. The figure adds up all malignant and precancerous classes.")
    for reading in unreviewed:
        reading_row(reading)
    offer_more("readings", waiting - len(unreviewed))
    if not unreviewed:
        st.info("Every reading has been reviewed.", icon=":material/done_all:")
with right:
    st.subheader("Recalls")
    st.caption("Overdue, and due within two weeks.")
    for recall in recalls:
        recall_row(recall)
    offer_more("recalls", due - len(recalls))
    if not recalls:
        st.info("No recall is due. Set one on a lesion's page, beside its diagnosis.", icon=":material/event:")
    st.subheader("Visits today")
    for visit in todays:
        visit_row(visit)
    if not todays:
        st.info("No visit yet today. Find the patient and log one.", icon=":material/event_available:")
        st.page_link(navigation.PATIENTS, label="Find a patient", icon=":material/search:")
