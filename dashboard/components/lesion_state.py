"""The state of a lesion, as clinicians have set it."""

import streamlit as st

from core.records import body_map
from core.records.actor import Permission
from core.records.tables import Lesion
from core.records.terms import LesionState
from dashboard import page
from dashboard.components.body_map import STATE_WORDS

_COLOURS = {
    LesionState.NEW: "blue",
    LesionState.WATCHED: "violet",
    LesionState.CHANGED: "orange",
    LesionState.SUSPICIOUS: "red",
    LesionState.EXCISED: "gray",
    LesionState.RESOLVED: "gray",
}


def state_badge(state: LesionState) -> None:
    """A state as a badge."""
    st.badge(STATE_WORDS[state], color=_COLOURS[state], icon=":material/adjust:")


def state_section(lesion: Lesion) -> None:
    """The state, who set it, those before it, and for a clinician the form that sets the next."""
    st.subheader("State")
    said = body_map.states_of(page.database(), page.person(), lesion_id=lesion.id)
    now = said[0].state if said else LesionState.NEW
    state_badge(now)
    for row in said:
        st.caption(f"{STATE_WORDS[row.state]}: {page.plain(row.user.full_name)}, {page.day(row.at)}")
    if not said:
        st.caption("New until a clinician sets another state.")
    if page.person().may(Permission.DIAGNOSE):
        _form(lesion, now)


def _form(lesion: Lesion, now: LesionState) -> None:
    form = f"state:{lesion.id}"
    key = page.turn_key(form)
    with st.form(key):
        others = [state for state in LesionState if state != now]
        state = st.selectbox(
            "New state", others, None, placeholder="Choose", format_func=STATE_WORDS.__getitem__, key=f"{key}:state"
        )
        sent = st.form_submit_button("Set state", type="primary", icon=":material/adjust:")
    if sent and state is None:
        st.error("Choose the state.", icon=":material/error:")
    elif sent:
        with page.errors_told():
            body_map.set_state(page.database(), page.person(), lesion_id=lesion.id, state=state)
            page.next_turn(form)
            page.tell_next(f"{lesion.label} is {state}.")
            st.rerun()
