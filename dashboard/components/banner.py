"""The patient's banner, on every page of the chart, so that nobody writes into the wrong one."""

import streamlit as st

from core.records import clock, patients
from core.records.tables import Patient
from dashboard import navigation, page


def banner(patient: Patient) -> None:
    """Show who the patient is: name, age, number, photo consent."""
    age = patients.age_in_years(patient.birth_date, clock.today())
    with st.container(key="banner", horizontal=True, vertical_alignment="center"):
        navigation.link_to(
            navigation.PATIENT, f"**{page.plain(patient.name)}**", id=patient.id, icon=":material/person:"
        )
        st.markdown(f"{age} years · {patient.sex} · born {patient.birth_date:%-d %b %Y}", width="content")
        st.badge(f"No. {page.plain(patient.record_number)}", color="gray", icon=":material/tag:")
        if patient.fitzpatrick_skin_type:
            st.badge(f"Skin type {patient.fitzpatrick_skin_type}", color="gray")
        if patient.personal_hx_mm:
            st.badge("Melanoma before", color="orange", icon=":material/history:")
        if patient.photo_consent_on:
            st.badge(f"Photo consent {patient.photo_consent_on:%-d %b %Y}", color="green", icon=":material/check:")
        else:
            st.badge("No photo consent", color="red", icon=":material/no_photography:")
