"""Register a patient, after a look at who may be the same person."""

import streamlit as st

from core.errors import LikelyDuplicate
from core.records import patients
from core.records.patients import PatientDetails
from dashboard import navigation, page
from dashboard.components.patient_form import patient_form

PENDING = "registration_pending"

actor, database = page.person(), page.database()


def register(details: PatientDetails, *, is_another_person: bool) -> None:
    patient = patients.register_patient(database, actor, details=details, is_another_person=is_another_person)
    st.session_state.pop(PENDING, None)
    page.tell_next("The patient is registered.")
    navigation.go_to(navigation.PATIENT, id=patient.id)


def ask_about(details: PatientDetails, candidates: list[int]) -> None:
    with st.container(border=True):
        st.warning(
            "This patient may be registered already. Compare before you make a second chart.", icon=":material/group:"
        )
        for patient in patients.patients_by_id(database, actor, patient_ids=candidates):
            label = f"{patient.name} · {patient.record_number} · born {patient.birth_date:%-d %b %Y}"
            navigation.link_to(navigation.PATIENT, label, id=patient.id, icon=":material/person:")
        if st.button("It is another person: register", icon=":material/person_add:"):
            with page.errors_told():
                register(details, is_another_person=True)


st.title("Register patient")
details = patient_form("register", None, submit="Register")
if details is not None:
    st.session_state.pop(PENDING, None)
    with page.errors_told():
        try:
            register(details, is_another_person=False)
        except LikelyDuplicate as duplicate:
            st.session_state[PENDING] = (details, duplicate.candidates)
if PENDING in st.session_state:
    ask_about(*st.session_state[PENDING])
