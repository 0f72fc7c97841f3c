"""The clinics of the directory on a map, with their distance from a chosen place."""

import streamlit as st
from streamlit_folium import st_folium

from core.clinics.kind import ClinicKind
from core.clinics.nearest import Near, nearest
from core.clinics.places import Place, country_name, find_places
from core.records import clinics
from core.records.tables import Clinic
from dashboard import page
from dashboard.clinic_words import KIND_TITLES, distance_text, web_address
from dashboard.maps import clinic_map

SHOWN = 10

page.person()


def choose_place() -> Place | None:
    name = st.text_input(
        "Distance from", placeholder="A town, such as Chennai or Lisboa", icon=":material/location_on:"
    )
    if not name.strip():
        return None
    places = find_places(name)
    if not places:
        st.warning("No town of that name is known. Try a larger one nearby.", icon=":material/wrong_location:")
        return None
    return st.selectbox("Which one", places, format_func=lambda place: place.title)


def near_row(rank: int, near: Near[Clinic]) -> None:
    clinic = near.clinic
    with st.container(border=True):
        st.markdown(f"**{rank}. {page.plain(clinic.name)}**")
        place = f"{page.plain(clinic.city)}, {country_name(clinic.country)}"
        st.markdown(f"{distance_text(near.distance_km)} · {KIND_TITLES[clinic.kind]} · {place}")
        if clinic.phone:
            st.text(clinic.phone)
        if address := web_address(clinic.website):
            st.link_button("Web site", address, icon=":material/open_in_new:")
        if clinic.position_approximate:
            st.caption("Position approximate: the town's.")


st.title("Clinic map")
directory = clinics.list_clinics(page.database())
controls, map_side = st.columns([1, 2], gap="large")
with controls:
    kinds = st.pills(
        "Kinds",
        list(ClinicKind),
        default=list(ClinicKind),
        selection_mode="multi",
        format_func=KIND_TITLES.__getitem__,
        wrap=True,
    )
    shown = [clinic for clinic in directory if clinic.kind in kinds]
    origin = choose_place()
    closest: list[Near[Clinic]] = []
    if origin is not None:
        closest = nearest(shown, latitude=origin.latitude, longitude=origin.longitude, limit=SHOWN)
    if not directory:
        st.info("The directory is empty.", icon=":material/map:")
    for rank, near in enumerate(closest, start=1):
        near_row(rank, near)
with map_side:
    drawn = clinic_map(
        shown,
        origin=(origin.latitude, origin.longitude) if origin else None,
        nearest=closest,
        origin_name=origin.title if origin else "",
        dark=st.context.theme.type == "dark",
    )
    st_folium(drawn, height=620, use_container_width=True, returned_objects=[], key="clinic_map")
    st.caption(
        f"{len(shown)} of {len(directory)} clinics. Distances are straight lines. Entries that DermTrail brings along "
        "were not checked one by one: confirm them before you send anybody."
    )
