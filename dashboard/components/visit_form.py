"""The form of a visit: when it was, who saw the patient, and why."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from core.records import clock, users, visits
from core.records.tables import User
from dashboard import page


@dataclass(frozen=True)
class VisitEntry:
    """What was entered."""

    at: datetime
    reason: str
    clinician_id: int | None
    notes: str


def visit_form(
    key: str,
    *,
    submit: str,
    icon: str,
    at: datetime,
    clinician: User | None,
    reason: str = "",
    notes: str = "",
) -> VisitEntry | None:
    """Show the form with these first values; what was entered, when it is sent."""
    clinicians = users.clinicians(page.database(), page.person())
    if clinician is not None and all(user.id != clinician.id for user in clinicians):
        # Whoever saw the patient then may have no account that is in use any more.
        clinicians = [*clinicians, clinician]
    chosen = next((index for index, user in enumerate(clinicians) if clinician and user.id == clinician.id), None)
    at = at.astimezone()
    with st.form(key):
        day, time = st.columns(2)
        on = day.date_input("Date", at.date(), max_value=clock.today(), format="YYYY-MM-DD", key=f"{key}:date")
        hour = time.time_input("Time", at.time(), key=f"{key}:time")
        seen_by = st.selectbox(
            "Clinician",
            clinicians,
            chosen,
            format_func=lambda user: user.full_name,
            placeholder="Not yet known",
            key=f"{key}:clinician",
        )
        why = st.text_input(
            "Reason",
            reason,
            placeholder="Such as: skin check, changing mole",
            max_chars=visits.LONGEST_REASON,
            key=f"{key}:reason",
        )
        more = st.text_area("Notes", notes, height=80, key=f"{key}:notes")
        sent = st.form_submit_button(submit, type="primary", icon=icon)
    if not sent:
        return None
    moment = datetime.combine(on, hour).astimezone()
    # The form asks for minutes: where neither day nor time was changed, the moment stays to the second.
    same = moment.replace(second=0, microsecond=0) == at.replace(second=0, microsecond=0)
    return VisitEntry(at if same else moment, why, seen_by.id if seen_by else None, more)
