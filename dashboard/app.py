"""The script that Streamlit runs for every page: who is it, the menu, then the page."""

import streamlit as st

from dashboard import navigation, page
from dashboard.components.session_guard import session_guard
from dashboard.components.style import LOGO, apply_style

st.set_page_config(page_title="DermTrail", page_icon=LOGO, layout="wide")
apply_style()
st.logo(LOGO, size="large")
# What a page itself does not expect, such as a database that does not answer, still ends in a sentence.
with page.errors_told():
    actor = page.person()
    chosen = st.navigation(navigation.pages(actor), position="top")
    session_guard(f"{actor.name} · {actor.role}")
    page.tell_news()
    chosen.run()
