"""The form of a new lesion, in the chart and during a visit."""

import streamlit as st

from core.records import lesions
from core.records.tables import Lesion
from core.records.terms import BodySite, Laterality
from dashboard import page
from dashboard.session import workspace


def add_lesion_form(name: str, *, patient_id: int) -> Lesion | None:
    """Show the form; the lesion once it was added, None until then. `name` tells apart the forms of two pages."""
    form = f"{name}:{patient_id}"
    key = page.turn_key(form)
    with st.form(key, border=False):
        site, side, text = st.columns([2, 1, 3])
        body_site = site.selectbox("Body site", list(BodySite), None, placeholder="Choose", key=f"{key}:site")
        laterality = side.selectbox(
            "Side", [None, *Laterality], format_func=lambda value: value or "–", key=f"{key}:side"
        )
        description = text.text_input(
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
            workspace().database,
            page.person(),
            patient_id=patient_id,
            body_site=body_site,
            laterality=laterality,
            description=description,
        )
        page.next_turn(form)
        page.tell_next(f"{lesion.label} is added.")
    return lesion
