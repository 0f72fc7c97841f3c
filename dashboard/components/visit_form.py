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
    exactly, at = at, at.astimezone().replace(second=0, microsecond=0)
    full_names = [user.full_name for user in clinicians]

    def words(user: User) -> str:
        # The list cannot tell two of one name apart.
        return user.full_name if full_names.count(user.full_name) == 1 else f"{user.full_name} ({user.name})"

    with st.form(key):
        day, time = st.columns(2)
        on = day.date_input(
            "Date", at.date(), max_value=max(clock.today(), at.date()), format="YYYY-MM-DD", key=f"{key}:date"
        )
        hour = time.time_input("Time", at.time(), key=f"{key}:time")
        seen_by = st.selectbox(
            "Clinician",
            clinicians,
            chosen,
            format_func=words,
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
    # Where neither day nor time was changed, the moment stays: to the second, and in the hour that comes twice a year.
    same = (on, hour) == (at.date(), at.time())
    return VisitEntry(
        exactly if same else datetime.combine(on, hour).astimezone(), why, seen_by.id if seen_by else None, more
    )
