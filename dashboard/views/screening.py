"""The public screening page, as visitors see it."""

import streamlit as st

from dashboard import gate

st.title("Public screening")
st.caption(
    "What anybody sees at this address, without an account. It keeps nothing and cannot reach the clinic's records."
)
st.link_button("Open alone", gate.SCREENING, icon=":material/open_in_new:")
theme = "dark" if st.context.theme.type == "dark" else "light"
st.iframe(f"{gate.SCREENING}/?__theme={theme}", height=1100)
