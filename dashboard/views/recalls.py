"""Recalls of the whole clinic: who is due, overdue or lost, the calls about them, letters and calendar files."""

import pandas as pd
import streamlit as st

from core.exchange.recall_calendar import MIME, recall_calendar
from core.records import recalls
from core.records.recalls import Interval, OpenRecall, RecallFilter, Standing, Tally
from core.records.terms import CallOutcome
from dashboard import letters, page
from dashboard.components.recall_row import recall_row
from dashboard.session import workspace

SHOWN = 15

actor, database = page.person(), page.database()
rule = workspace().lost_rule


def chosen(tallies: list[Tally]) -> RecallFilter:
    """The filters above the list."""
    names = {tally.clinician_id: tally.clinician for tally in tallies}
    standing, clinician, interval = st.columns(3)
    wanted = standing.selectbox(
        "Standing", [None, *Standing], format_func=lambda one: one.capitalize() if one else "Any", key="standing"
    )
    return RecallFilter(
        standings=(wanted,) if wanted else None,
        clinician_id=clinician.selectbox(
            "Set by", [None, *names], format_func=lambda one: names.get(one, "Anybody"), key="clinician"
        ),
        interval=interval.selectbox(
            "Interval", [None, *Interval], format_func=lambda one: one.capitalize() if one else "Any", key="interval"
        ),
    )


def calendar_of(which: RecallFilter | None = None, recall_id: int | None = None) -> bytes:
    """The file, made when it is asked for, since what leaves the clinic stands in the audit trail."""
    ids = [recall_id]
    if which is not None:
        found = recalls.list_recalls(database, actor, rule=rule, which=which, limit=None)
        ids = [one.recall.id for one in found]
    return recall_calendar(recalls.take_out(database, actor, recall_ids=ids, as_what="calendar"))


def open_row(found: OpenRecall) -> None:
    recall = found.recall
    with st.container(border=True):
        recall_row(found)
        with st.container(horizontal=True, vertical_alignment="center"):
            phone = recall.lesion.patient.phone
            st.markdown(f":material/call: {page.plain(phone)}" if phone else "No phone number", width="content")
            st.caption(page.plain(f"set by {recall.user.full_name}, {page.day(recall.set_at)}"), width="content")
            with st.popover("Log a call", icon=":material/phone_in_talk:"):
                call_form(recall.id)
            st.link_button("Letter", letters.recall_address(recall.id), icon=":material/mail:")
            st.download_button(
                "Calendar",
                lambda: calendar_of(recall_id=recall.id),
                file_name=f"recall-{recall.id}.ics",
                mime=MIME,
                on_click="ignore",
                icon=":material/event:",
                key=f"calendar:{recall.id}",
            )
        for call in recall.calls:
            notes = f" · {call.notes}" if call.notes else ""
            st.caption(page.plain(f"{page.day_and_time(call.at)} · {call.user.full_name} · {call.outcome}{notes}"))


def call_form(recall_id: int) -> None:
    form = f"call:{recall_id}"
    key = page.turn_key(form)
    with st.form(key, border=False):
        outcome = st.radio("Outcome", list(CallOutcome), format_func=str.capitalize, key=f"{key}:outcome")
        notes = st.text_input("Remark", max_chars=200, key=f"{key}:notes")
        sent = st.form_submit_button("Log call", type="primary")
    if sent:
        with page.errors_told():
            recalls.log_call(database, actor, recall_id=recall_id, outcome=outcome, notes=notes)
            page.next_turn(form)
            page.tell_next("The call is logged.")
            st.rerun()


def table(tallies: list[Tally]) -> None:
    """How many stand how, by clinician and interval."""
    frame = pd.DataFrame(
        [
            {"Set by": tally.clinician, "Interval": tally.interval.capitalize(), tally.standing: tally.count}
            for tally in tallies
        ]
    )
    sums = frame.groupby(["Set by", "Interval"], sort=False).sum().reset_index()
    columns = ["Set by", "Interval", *(standing for standing in Standing if standing in sums)]
    st.dataframe(sums[columns].astype(dict.fromkeys(columns[2:], int)), hide_index=True)


st.title("Recalls")
tallies = recalls.tally_recalls(database, actor, rule=rule)
for column, (standing, count) in zip(st.columns(4), recalls.by_standing(tallies).items(), strict=True):
    column.metric(standing.capitalize(), count, border=True)
st.caption(
    f"Lost to follow-up: more than {rule.days} days overdue, and the last {rule.calls} calls or more without success."
)
if not tallies:
    st.info("No recall is open. Set one on a lesion's page, beside its diagnosis.", icon=":material/event:")
    st.stop()
with st.expander("By clinician and interval", icon=":material/table_chart:"):
    table(tallies)
which = chosen(tallies)
pages = st.session_state.get("pages of recalls", 1)
found = recalls.list_recalls(database, actor, rule=rule, which=which, limit=SHOWN * pages + 1)
shown = found[: SHOWN * pages]
if shown:
    st.download_button(
        "Calendar of this list",
        lambda: calendar_of(which),
        file_name="recalls.ics",
        mime=MIME,
        on_click="ignore",
        icon=":material/calendar_month:",
        help="Names record numbers and lesions, and no patient.",
    )
else:
    st.info("No recall fits.", icon=":material/search_off:")
for one in shown:
    open_row(one)
if len(found) > len(shown) and st.button("Show more", icon=":material/expand_more:"):
    st.session_state["pages of recalls"] = pages + 1
    st.rerun()
