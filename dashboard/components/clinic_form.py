"""The form of one clinic of the directory: to add it, and to edit or retire it."""

from dataclasses import replace
from typing import Any

import streamlit as st

from core.clinics.directory import ClinicEntry
from core.clinics.kind import ClinicKind
from core.clinics.places import country_codes, country_name
from core.errors import LikelyDuplicate
from core.records import clinics, clock
from core.records.public_directory import ListedClinic
from dashboard import page
from dashboard.clinic_words import KIND_TITLES
from dashboard.components.referrals import clinic_title

_HELD_BACK = "clinic held back"


def directory_editor(directory: list[ListedClinic]) -> None:
    """Add a clinic, edit or retire one, bring one back; for administrators."""
    adding, editing, back = st.tabs(["Add a clinic", "Edit a clinic", "Retired clinics"])
    with adding:
        _add()
    with editing:
        chosen = st.selectbox(
            "Clinic to edit", directory, None, format_func=clinic_title, placeholder="Choose a clinic", key="edited"
        )
        if chosen is not None:
            _edit(chosen)
    with back:
        _bring_back()


def _add() -> None:
    entry = _form(page.turn_key("add clinic"), None, submit="Add clinic")
    if entry is not None:
        st.session_state.pop(_HELD_BACK, None)
        with page.errors_told():
            try:
                clinics.add_clinic(page.database(), page.person(), entry=entry)
                _done("The clinic is added.", "add clinic")
            except LikelyDuplicate as error:
                st.session_state[_HELD_BACK] = (entry, str(error))
    if _HELD_BACK in st.session_state:
        entry, why = st.session_state[_HELD_BACK]
        st.warning(why, icon=":material/content_copy:")
        if st.button("It is another one: add it", icon=":material/add:"):
            with page.errors_told():
                clinics.add_clinic(page.database(), page.person(), entry=entry, is_another=True)
                _done("The clinic is added.", "add clinic")


def _edit(listed: ListedClinic) -> None:
    name = f"edit clinic {listed.id}"
    entry = _form(page.turn_key(name), listed, submit="Save changes")
    if entry is not None:
        with page.errors_told():
            clinics.edit_clinic(page.database(), page.person(), clinic_id=listed.id, entry=entry)
            _done("The changes are saved. No import will change this clinic.", name)
    if st.button("Retire this clinic", icon=":material/archive:"):
        with page.errors_told():
            clinics.set_retired(page.database(), page.person(), clinic_id=listed.id, retired=True)
            _done("The clinic is retired.", name)


def _bring_back() -> None:
    retired = clinics.retired_clinics(page.database(), page.person())
    if not retired:
        st.info("No clinic was retired.", icon=":material/archive:")
    for clinic in retired:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{clinic.name}, {clinic.city}")
            if st.button("Bring back", icon=":material/unarchive:", key=f"bring back {clinic.id}"):
                with page.errors_told():
                    clinics.set_retired(page.database(), page.person(), clinic_id=clinic.id, retired=False)
                    _done("The clinic is back in the directory.", "bring back")


def _done(message: str, form: str) -> None:
    st.session_state.pop(_HELD_BACK, None)
    page.next_turn(form)
    page.tell_next(message)
    st.rerun()


def _form(key: str, known: ListedClinic | None, *, submit: str) -> ClinicEntry | None:
    """What was entered, once it was sent."""

    def text(label: str, field: str, longest: int) -> str:
        said = getattr(known, field, None) or ""
        return st.text_input(label, said, max_chars=longest, key=f"{key}:{field}")

    def degrees(label: str, field: str, most: float) -> float | None:
        return st.number_input(label, -most, most, getattr(known, field, None), format="%.5f", key=f"{key}:{field}")

    codes = country_codes()
    choice: dict[str, Any] = {}
    with st.form(key):
        choice["name"] = text("Clinic's name", "name", 200)
        left, right = st.columns(2)
        with left:
            kinds = list(ClinicKind)
            at = kinds.index(known.kind) if known else 0
            choice["kind"] = st.selectbox("Kind", kinds, at, format_func=KIND_TITLES.__getitem__, key=f"{key}:kind")
            at = codes.index(known.country) if known and known.country in codes else None
            country = st.selectbox("Country", codes, at, format_func=country_name, key=f"{key}:country")
            choice["city"] = text("Town", "city", 120)
            choice["address"] = text("Address", "address", 300)
            choice["opening_hours"] = text("Opening hours", "opening_hours", 255)
        with right:
            latitude, longitude = degrees("Latitude", "latitude", 90.0), degrees("Longitude", "longitude", 180.0)
            choice["phone"] = text("Phone", "phone", 40)
            choice["website"] = text("Website", "website", 300)
            choice["source"] = text("Source", "source", 300)
        approximate = known.position_approximate if known else False
        choice["position_approximate"] = st.checkbox("Position approximate", approximate, key=f"{key}:approximate")
        confirmed = st.checkbox("I checked this entry today", key=f"{key}:checked")
        sent = st.form_submit_button(submit, type="primary", icon=":material/save:")
    if not sent:
        return None
    if latitude is None or longitude is None:
        st.error("The position is missing.", icon=":material/error:")
        return None
    entry = ClinicEntry(
        **choice,
        country=country or "",
        latitude=latitude,
        longitude=longitude,
        checked_on=known.checked_on if known else None,
    )
    return replace(entry, checked_on=clock.today()) if confirmed else entry
