"""Find a patient."""

import streamlit as st

from core.records import clock, patients
from core.records.tables import Patient
from dashboard import navigation, page

SHOWN = 25

actor, database = page.person(), page.database()


def patient_row(patient: Patient) -> None:
    name, number, birth, phone = st.columns([4, 2, 3, 2], vertical_alignment="center")
    with name:
        navigation.link_to(navigation.PATIENT, page.plain(patient.name), id=patient.id, icon=":material/person:")
    number.text(patient.record_number)
    age = patients.age_in_years(patient.birth_date, clock.today())
    birth.write(f"{patient.birth_date:%-d %b %Y} ({age})")
    phone.text(patient.phone or "–")


with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    st.title("Patients")
    if st.button("Register patient", icon=":material/person_add:", type="primary"):
        navigation.go_to(navigation.REGISTER)

query = st.text_input(
    "Find a patient",
    placeholder="Name, record number, phone or date of birth",
    type="search",
    icon=":material/search:",
    live=True,
    key="query",
)
if query:
    found = patients.search_patients(database, actor, query=query, limit=SHOWN)
    st.caption(f"The first {SHOWN} that fit" if len(found) == SHOWN else f"{len(found)} found")
else:
    found = patients.latest_patients(database, actor, limit=SHOWN)
    st.caption("Registered last")
if not found:
    st.info(
        "Nobody fits. Check the spelling, or register the patient." if query else "No patient is registered yet.",
        icon=":material/person_search:",
    )
else:
    for column, heading in zip(st.columns([4, 2, 3, 2]), ("Name", "Record number", "Born (age)", "Phone"), strict=True):
        column.caption(heading)
for patient in found:
    patient_row(patient)
