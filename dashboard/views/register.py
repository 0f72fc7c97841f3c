"""Register a patient, after a look at who may be the same person."""

import streamlit as st

from core.errors import LikelyDuplicate
from core.records import patients
from core.records.patients import PatientDetails
from dashboard import navigation, page
from dashboard.components.patient_form import patient_form

PENDING = "registration_pending"
FORM = "register"

actor, database = page.person(), page.database()


def register(details: PatientDetails, *, is_another_person: bool) -> None:
    patient = patients.register_patient(database, actor, details=details, is_another_person=is_another_person)
    st.session_state.pop(PENDING, None)
    page.next_turn(FORM)
    page.tell_next("The patient is registered.")
    navigation.go_to(navigation.PATIENT, id=patient.id)


def ask_about(details: PatientDetails, candidates: list[int]) -> None:
    with st.container(border=True):
        st.warning(
            f"**{page.plain(details.name)}, record number {page.plain(details.record_number)}, may be registered "
            "already.** Compare before you make a second chart.",
            icon=":material/group:",
        )
        for patient in patients.patients_by_id(database, actor, patient_ids=candidates):
            who = f"{page.plain(patient.name)} · {page.plain(patient.record_number)}"
            label = f"{who} · born {patient.birth_date:%-d %b %Y}"
            navigation.link_to(navigation.PATIENT, label, id=patient.id, icon=":material/person:")
        discard, go_on = st.columns(2)
        if discard.button("It is the same person: discard", icon=":material/close:"):
            del st.session_state[PENDING]
            page.next_turn(FORM)
            st.rerun()
        if go_on.button("It is another person: register", icon=":material/person_add:"):
            with page.errors_told():
                register(details, is_another_person=True)


st.title("Register patient")
details = patient_form(page.turn_key(FORM), None, submit="Register")
if details is not None:
    st.session_state.pop(PENDING, None)
    with page.errors_told():
        try:
            register(details, is_another_person=False)
        except LikelyDuplicate as duplicate:
            st.session_state[PENDING] = (details, duplicate.candidates)
if PENDING in st.session_state:
    ask_about(*st.session_state[PENDING])
