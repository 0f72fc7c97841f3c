"""The form of a new lesion, beside the body map in the chart and during a visit."""

import streamlit as st

from core.records import lesions
from core.records.tables import Lesion
from core.records.terms import BodySite, Laterality
from dashboard import page
from dashboard.components.body_map import ChosenPlace


def fill_from_map(form: str, chosen: ChosenPlace) -> None:
    """Take a place from the map into the form, with the site and the side that it is on."""
    key = page.turn_key(form)
    st.session_state[f"{key}:place"] = chosen
    st.session_state[f"{key}:site"] = chosen.region.body_site
    st.session_state[f"{key}:side"] = chosen.region.laterality


def place_in_form(form: str) -> ChosenPlace | None:
    """The place that the form holds."""
    place: ChosenPlace | None = st.session_state.get(f"{page.turn_key(form)}:place")
    return place


def add_lesion_form(form: str, *, patient_id: int) -> Lesion | None:
    """Show the form; the lesion once it was added, None until then. `form` tells apart the forms of two pages."""
    key = page.turn_key(form)
    chosen = place_in_form(form)
    st.markdown("**New lesion**")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Place: {chosen.region.words}" if chosen else "Click the body to place it, or fill in the site.")
        if chosen and st.button("Without a place", type="tertiary", key=f"{key}:clear"):
            del st.session_state[f"{key}:place"]
            st.rerun()
    with st.form(key, border=False):
        site, side = st.columns([3, 2])
        body_site = site.selectbox("Body site", list(BodySite), None, placeholder="Choose", key=f"{key}:site")
        laterality = side.selectbox(
            "Side", [None, *Laterality], format_func=lambda value: value or "–", key=f"{key}:side"
        )
        description = st.text_input(
            "Description", placeholder="Such as: below the shoulder blade", max_chars=200, key=f"{key}:description"
        )
        sent = st.form_submit_button("Add lesion", icon=":material/add_location:")
    if not sent:
        return None
    if body_site is None:
        st.error("Where on the body is it? Choose the body site.", icon=":material/error:")
        return None
    lesion = None
    with page.errors_told():
        lesion = lesions.add_lesion(
            page.database(),
            page.person(),
            patient_id=patient_id,
            body_site=body_site,
            laterality=laterality,
            description=description,
            place=chosen.place if chosen else None,
        )
        page.next_turn(form)
        page.tell_next(f"{lesion.label} is added.")
    return lesion
