"""A patient's body map, with what is done on it: add a lesion, place or move one, see the map of a past day."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from core.errors import Conflict
from core.records import body_map as records
from core.records import clock
from core.records.body_map import MappedLesion
from core.records.tables import Lesion
from dashboard import navigation, page
from dashboard.components.body_map import ChosenPlace, body_map
from dashboard.components.lesion_form import add_lesion_form, fill_from_map, place_in_form

LIST_HEIGHT = 260
"""In pixels; longer lists scroll."""


def patient_map(name: str, *, patient_id: int) -> Lesion | None:
    """Show the map and the form of a new lesion beside it; the lesion once it was added, None until then.

    `name` tells apart the maps of two pages.
    """
    key = f"map:{name}:{patient_id}"
    left, right = st.columns([6, 5], gap="large")
    with right:
        day = _day(key)
        beside = st.container()
    today = day == clock.today()
    mapped = records.map_of(page.database(), page.person(), patient_id=patient_id, as_of=None if today else day)
    form = f"{name}:{patient_id}"
    with left:
        click = body_map(key, mapped, placing=today, draft=place_in_form(form))
    if click.opened is not None:
        navigation.go_to(navigation.LESION, id=click.opened)
    with beside:
        if not today:
            st.info(f"The map as it was on {day:%-d %b %Y}. Choose today to change it.", icon=":material/history:")
            return None
        if click.chosen:
            _take(key, form, click.chosen)
        _placing(key, mapped)
        return add_lesion_form(form, patient_id=patient_id)


def _day(key: str) -> date:
    today = clock.today()
    return st.date_input("Map as of", today, max_value=today, format="YYYY-MM-DD", key=f"{key}:day")


def _take(key: str, form: str, chosen: ChosenPlace) -> None:
    """A click on the body is the place of the lesion that waits for one, or else of the next new one."""
    lesion_id = st.session_state.get(f"{key}:waits")
    if lesion_id is None:
        fill_from_map(form, chosen)
        st.rerun()
    _place(key, lesion_id, chosen, sure=False)


def _place(key: str, lesion_id: int, chosen: ChosenPlace, *, sure: bool) -> None:
    st.session_state.pop(f"{key}:doubt", None)
    with page.errors_told():
        try:
            lesion = records.place_lesion(
                page.database(),
                page.person(),
                lesion_id=lesion_id,
                place=chosen.place,
                region=chosen.region_name,
                although_elsewhere=sure,
            )
        except Conflict as error:
            st.session_state[f"{key}:doubt"] = (str(error), chosen)
            return
        del st.session_state[f"{key}:waits"]
        page.tell_next(f"{lesion.label} is placed.")
        st.rerun()


def _placing(key: str, mapped: Sequence[MappedLesion]) -> None:
    lesions = {one.lesion.id: one.lesion for one in mapped}
    waiting = lesions.get(st.session_state.get(f"{key}:waits", 0))
    if waiting:
        _ask_for_place(key, waiting)
        return
    if unplaced := [lesion for lesion in lesions.values() if lesion.map_view is None]:
        _unplaced(key, unplaced)
    if placed := [lesion for lesion in lesions.values() if lesion.map_view is not None]:
        _mover(key, placed)


def _ask_for_place(key: str, lesion: Lesion) -> None:
    st.info(f"Click where {lesion.label} is: {lesion.place}.", icon=":material/my_location:")
    if doubt := st.session_state.get(f"{key}:doubt"):
        sentence, chosen = doubt
        st.warning(sentence, icon=":material/wrong_location:")
        if st.button("Place it there all the same", key=f"{key}:sure"):
            _place(key, lesion.id, chosen, sure=True)
    if st.button("Leave it where it is", icon=":material/close:", key=f"{key}:leave"):
        for name in ("waits", "doubt"):
            st.session_state.pop(f"{key}:{name}", None)
        st.rerun()


def _unplaced(key: str, unplaced: Sequence[Lesion]) -> None:
    st.markdown("**Not on the map yet**")
    with st.container(height=LIST_HEIGHT if len(unplaced) > 5 else "content"):
        for lesion in unplaced:
            with st.container(horizontal=True, vertical_alignment="center"):
                words = " · ".join(filter(None, (lesion.label, lesion.place, lesion.description)))
                navigation.link_to(navigation.LESION, page.plain(words), id=lesion.id)
                if st.button("Place it", icon=":material/add_location:", key=f"{key}:place:{lesion.id}"):
                    st.session_state[f"{key}:waits"] = lesion.id
                    st.rerun()


def _mover(key: str, placed: Sequence[Lesion]) -> None:
    with st.expander("Move a pin", icon=":material/open_with:"):
        by_id = {lesion.id: lesion for lesion in placed}
        turn = page.turn_key(f"{key}:move")
        chosen = st.selectbox(
            "Lesion to move",
            list(by_id),
            None,
            placeholder="Choose",
            format_func=lambda id: f"{by_id[id].label} · {by_id[id].place}",
            key=turn,
        )
        if chosen is not None:
            page.next_turn(f"{key}:move")
            st.session_state[f"{key}:waits"] = chosen
            st.rerun()
