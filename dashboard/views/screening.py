"""The public screening page, as visitors see it, and how often it is used."""

import streamlit as st

from core.records.actor import Permission
from core.screening_counts import Counted, ScreeningCounts
from dashboard import gate, page, session

TITLES = {
    Counted.READ: ("Read", "Photos that the model read"),
    Counted.SEE_NOW: ("See now", "Answers: see a dermatologist now"),
    Counted.SEE_SOON: ("See soon", "Answers: have it looked at soon"),
    Counted.WATCH: ("Watch", "Answers: keep an eye on it"),
    Counted.UNREADABLE: ("Unreadable", "Photos that could not be read"),
    Counted.NO_IMAGE: ("No image", "Files that are no image, refused"),
    Counted.BUSY: ("Busy", "Uploads refused because there were too many"),
}
"""Of the columns, short so that all are in sight on a tablet, with what they mean."""

st.title("Public screening")
st.caption(
    "What anybody sees at this address, without an account. It keeps nothing and cannot reach the clinic's records."
)
st.link_button("Open alone", gate.SCREENING, icon=":material/open_in_new:")
if page.person().may(Permission.ADMINISTER):
    with st.expander("How often it was used in the last 30 days", icon=":material/bar_chart:"):
        by_day = ScreeningCounts(session.workspace().settings.screening_counts).by_day(days=30)
        st.caption("Numbers by day (UTC), without any tie to a person. An answer shown again is counted again.")
        if by_day:
            rows = [{"Day": day, **row} for day, row in by_day.items()]
            columns = {
                what: st.column_config.NumberColumn(title, help=meaning) for what, (title, meaning) in TITLES.items()
            }
            st.dataframe(rows, hide_index=True, column_config=columns)
        else:
            st.info("Nobody has used it yet.", icon=":material/event_busy:")
theme = "dark" if st.context.theme.type == "dark" else "light"
st.iframe(f"{gate.SCREENING}/?__theme={theme}", height=1100)
