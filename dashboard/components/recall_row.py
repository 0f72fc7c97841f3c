"""A recall as lists show it: how it stands, whose it is, and the last call about it."""

import streamlit as st

from core.records import clock
from core.records.recalls import OpenRecall, Standing
from dashboard import navigation, page

COLOURS = {Standing.LOST: "violet", Standing.OVERDUE: "red", Standing.DUE: "orange", Standing.LATER: "gray"}


def recall_row(found: OpenRecall) -> None:
    """One row: standing, link to the lesion, reason, last call."""
    recall = found.recall
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(_when(found), color=COLOURS[found.standing])
        lesion = recall.lesion
        navigation.link_to(navigation.LESION, f"{page.plain(lesion.patient.name)} · {lesion.label}", id=lesion.id)
        st.caption(page.plain(recall.reason or lesion.place), width="content")
        if recall.calls:
            last = recall.calls[0]
            st.caption(f"called {page.day(last.at)}: {last.outcome}", width="content")


def _when(found: OpenRecall) -> str:
    days = (found.recall.due_on - clock.today()).days
    if found.standing is Standing.LOST:
        return f"lost to follow-up, {-days} days overdue"
    if days < 0:
        return f"{-days} day{'' if days == -1 else 's'} overdue"
    return {0: "due today", 1: "due tomorrow"}.get(days, f"due in {days} days")
