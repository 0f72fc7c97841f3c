"""The audit trail, for the administrator."""

from datetime import datetime, timedelta

import streamlit as st

from core.records import audit, clock, users
from dashboard import page

actor, database = page.person(), page.database()

st.title("Audit trail")
st.caption("Who did what, when and from where. Entries are only ever added, and hold nothing clinical.")
with page.page_of_one_thing():
    names = [user.name for user in users.list_users(database, actor)]
    actions = audit.audit_actions(database, actor)
who, what, number, since, until = st.columns(5)
today = clock.today()
name = who.selectbox("Who", [None, *names], format_func=lambda value: value or "anybody")
action = what.selectbox("What", [None, *actions], format_func=lambda value: value or "anything")
record_number = number.text_input("Patient", placeholder="Record number")
start = since.date_input("From", today - timedelta(days=30), format="YYYY-MM-DD")
end = until.date_input("To", today, format="YYYY-MM-DD")
entries = audit.search_audit(
    database,
    actor,
    user_name=name,
    action=action,
    record_number=record_number.strip() or None,
    since=datetime.combine(start, datetime.min.time()).astimezone(),
    until=datetime.combine(end + timedelta(days=1), datetime.min.time()).astimezone(),
)
if not entries:
    st.info("No entry fits.", icon=":material/search_off:")
else:
    rows = [
        {
            "When": f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}",
            "Who": entry.user_name,
            "What": entry.action,
            "Of": f"{entry.subject_type} {entry.subject_id or ''}".strip() if entry.subject_type else "",
            "Patient": entry.patient.record_number if entry.patient else "",
            "From where": entry.address,
        }
        for entry in entries
    ]
    st.dataframe(rows, hide_index=True, height=600)
