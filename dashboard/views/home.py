"""Home: what the day holds."""

import streamlit as st

from core.records import clock, plans, readings, recalls, visits
from core.records.recalls import RecallFilter, Standing
from core.records.tables import Plan, StoredReading, Visit
from dashboard import navigation, page
from dashboard.components.reading import probability_text, reading_badge
from dashboard.components.recall_row import recall_row
from dashboard.session import workspace

SHOWN = 12
TO_CALL = (Standing.OVERDUE, Standing.DUE)

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


def pathology_row(plan: Plan) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(plan.kind, color="orange", icon=":material/biotech:")
        lesion = plan.lesion
        navigation.link_to(navigation.LESION, f"{page.plain(lesion.patient.name)} · {lesion.label}", id=lesion.id)
        days = (today - plan.at.astimezone().date()).days
        ago = {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
        st.caption(f"planned {page.day(plan.at)}, {ago}", width="content")


def shown(what: str) -> int:
    return SHOWN * st.session_state.get(f"pages of {what}", 1)


def offer_more(what: str, left: int) -> None:
    if left > 0 and st.button(f"Show more ({left})", icon=":material/expand_more:", key=f"more {what}"):
        st.session_state[f"pages of {what}"] = shown(what) // SHOWN + 1
        st.rerun()


todays = visits.visits_on(database, actor, day=today)
unreviewed = readings.unreviewed_readings(database, actor, limit=shown("readings"))
to_review = readings.count_unreviewed(database, actor)
rule = workspace().lost_rule
count = recalls.by_standing(recalls.tally_recalls(database, actor, rule=rule))
which = RecallFilter(standings=TO_CALL)
first_due = recalls.list_recalls(database, actor, rule=rule, which=which, limit=shown("recalls"))
awaited = plans.waiting_for_pathology(database, actor, limit=shown("pathology"))
waiting = plans.count_waiting_for_pathology(database, actor)

st.title("Today")
st.caption(f"{today:%A, %-d %B %Y}")
counts = {
    "Recalls overdue": count[Standing.OVERDUE],
    "Recalls due in two weeks": count[Standing.DUE],
    "Lost to follow-up": count[Standing.LOST],
    "Waiting for pathology": waiting,
    "Readings to review": to_review,
    "Visits today": len(todays),
}
for start in range(0, len(counts), 3):
    for column, (label, number) in zip(st.columns(3), list(counts.items())[start : start + 3], strict=True):
        column.metric(label, number, border=True)

with st.container(key="lists"):
    left, right = st.columns(2, gap="large")
with left:
    st.subheader("Recalls")
    st.caption("Overdue, and due within two weeks. Calls, letters and those lost to follow-up are on their own page.")
    for recall in first_due:
        recall_row(recall)
    offer_more("recalls", sum(count[standing] for standing in TO_CALL) - len(first_due))
    if not first_due:
        st.info("No recall is due. Set one on a lesion's page, beside its diagnosis.", icon=":material/event:")
    st.page_link(navigation.RECALLS, label="All recalls", icon=":material/event_repeat:")
    st.subheader("Visits today")
    for visit in todays:
        visit_row(visit)
    if not todays:
        st.info("No visit yet today. Find the patient and log one.", icon=":material/event_available:")
        st.page_link(navigation.PATIENTS, label="Find a patient", icon=":material/search:")
with right:
    if awaited:
        st.subheader("Waiting for pathology")
        st.caption("Biopsies and excisions without a diagnosis by histopathology, the longest waiting first.")
        for plan in awaited:
            pathology_row(plan)
        offer_more("pathology", waiting - len(awaited))
    st.subheader("Readings nobody has reviewed")
    st.caption("The most probably malignant first. The figure adds up all malignant and precancerous classes.")
    for reading in unreviewed:
        reading_row(reading)
    offer_more("readings", to_review - len(unreviewed))
    if not unreviewed:
        st.info("Every reading has been reviewed.", icon=":material/done_all:")
