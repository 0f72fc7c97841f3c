"""The clinics of the directory on a map, with their distance from a chosen place; referring, editing the directory."""

from collections.abc import Sequence

import streamlit as st
from streamlit_folium import st_folium

from core.clinics.kind import ClinicKind
from core.clinics.matching import plain_name
from core.clinics.nearest import Near, nearest
from core.clinics.places import Place, country_name, find_places
from core.records import patients
from core.records.actor import Permission
from core.records.public_directory import ListedClinic
from core.records.tables import Patient
from dashboard import page
from dashboard.clinic_words import KIND_TITLES, distance_text, web_address
from dashboard.components.clinic_form import directory_editor
from dashboard.components.referrals import clinic_title, refer_form
from dashboard.maps import clinic_map, rings_for
from dashboard.session import workspace

SHOWN = 10
DRAWN = 5000
"""More spots make a page that a browser is slow to open; drawn are the nearest where a place is chosen."""
OFFERED = 200
MAP_HEIGHT, LIST_HEIGHT = 680, 350
"""In pixels."""

actor, database = page.person(), page.database()


def choose_origin(directory: Sequence[ListedClinic]) -> Place | ListedClinic | None:
    if st.toggle("From a clinic of the directory", key="from a clinic"):
        return choose_clinic(directory)
    name = st.text_input("Distance from", placeholder="Such as Chennai", icon=":material/location_on:")
    if not name.strip():
        return None
    places = find_places(name)
    if not places:
        st.warning("No town of that name is known. Try a larger one nearby.", icon=":material/wrong_location:")
        return None
    return st.selectbox("Which one", places, format_func=lambda place: place.title)


def choose_clinic(directory: Sequence[ListedClinic]) -> ListedClinic | None:
    wanted = plain_name(st.text_input("Clinic", placeholder="Part of its name or town", icon=":material/home_health:"))
    if not wanted:
        return None
    fitting = [clinic for clinic in directory if wanted in plain_name(f"{clinic.name} {clinic.city}")]
    if not fitting:
        st.warning("No clinic of that name is in the directory.", icon=":material/wrong_location:")
        return None
    return st.selectbox("Which one", fitting[:OFFERED], format_func=clinic_title)


def near_row(rank: int, near: Near[ListedClinic]) -> None:
    clinic = near.clinic
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"**{rank}. {page.plain(clinic.name)}**")
        place = f"{page.plain(clinic.city)}, {country_name(clinic.country)}"
        at = " · position approximate: the town's" if clinic.position_approximate else ""
        st.caption(f"{distance_text(near.distance_km)} · {KIND_TITLES[clinic.kind]} · {place}{at}")
        if clinic.phone:
            st.text(clinic.phone)
        if clinic.opening_hours:
            st.caption(page.plain(f"Open: {clinic.opening_hours}"))
        if address := web_address(clinic.website):
            st.link_button("Web site", address, icon=":material/open_in_new:")


def choose_patient() -> Patient | None:
    asked = st.query_params.get("patient", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        found = patients.patients_by_id(database, actor, patient_ids=[int(asked)])
        if found:
            return found[0]
    query = st.text_input("Patient", placeholder="Name, record number or phone", icon=":material/person_search:")
    if not query:
        return None
    found = patients.search_patients(database, actor, query=query)
    if not found:
        st.info("Nobody fits.", icon=":material/person_search:")
        return None
    return st.selectbox(
        "Which patient",
        found,
        format_func=lambda patient: f"{patient.name} · {patient.record_number} · {patient.birth_date:%-d %b %Y}",
    )


def refer(offered: Sequence[ListedClinic]) -> None:
    st.subheader("Refer a patient")
    patient = choose_patient()
    if patient is not None:
        st.markdown(f"**{page.plain(patient.name)}**, born {patient.birth_date:%-d %b %Y}")
        st.caption("Offered are the clinics shown above, the nearest first where a place is chosen.")
        refer_form(patient, offered)


st.title("Clinic map")
with page.page_of_one_thing():
    directory = workspace().public_directory.clinics()
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
    origin = choose_origin(directory)
    ranked: list[Near[ListedClinic]] = []
    if origin is not None:
        ranked = nearest(directory, latitude=origin.latitude, longitude=origin.longitude, limit=DRAWN, kinds=kinds)
    closest = ranked[:SHOWN]
    with_rings = origin is not None and st.toggle("Distance rings", value=True)
    if not directory:
        st.info("The directory is empty.", icon=":material/map:")
    if closest:
        # As far down as the map, which stays beside what is scrolled here.
        with st.container(height=LIST_HEIGHT, border=False):
            for rank, near in enumerate(closest, start=1):
                near_row(rank, near)
in_order = [near.clinic for near in ranked] or shown
with map_side:
    origin_name = clinic_title(origin) if isinstance(origin, ListedClinic) else origin.title if origin else ""
    drawn = clinic_map(
        in_order[:DRAWN],
        origin=(origin.latitude, origin.longitude) if origin else None,
        nearest=closest,
        origin_name=origin_name,
        dark=st.context.theme.type == "dark",
        rings=rings_for(closest) if with_rings else (),
    )
    st_folium(drawn, height=MAP_HEIGHT, use_container_width=True, returned_objects=[], key="clinic_map")
    not_drawn = f" The map shows {DRAWN:,} of them." if len(shown) > DRAWN else ""
    st.caption(
        f"{len(shown)} of {len(directory)} clinics.{not_drawn} Distances are straight lines. Call before you send "
        "anybody: an entry may have changed since it was checked."
    )
    if any((clinic.source_key or "").startswith("osm:") for clinic in directory):
        st.caption("With data © OpenStreetMap contributors, under the Open Database License.")
if actor.may(Permission.DIAGNOSE):
    refer(in_order[:OFFERED])
if actor.may(Permission.ADMINISTER):
    with st.expander("Edit the directory", icon=":material/edit_location_alt:"):
        directory_editor(list(directory))
