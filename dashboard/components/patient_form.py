"""The form of a patient's details, for registering and for editing."""

from datetime import date

import streamlit as st

from core.records import clock
from core.records.patients import PatientDetails
from core.records.terms import FitzpatrickSkinType, Sex

CONSENT_WORDING = (
    "I agree that photographs of my skin are taken and kept in my medical record, read by a computer program that "
    "supports the clinician, and used for my care. I can withdraw this at any time."
)

_YES_NO = {None: "not asked", True: "yes", False: "no"}


def patient_form(key: str, details: PatientDetails | None, *, submit: str) -> PatientDetails | None:
    """Show the form, filled with `details`; what was entered once it is sent, None until then."""
    with st.form(key, border=False):
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("Person")
            name = st.text_input("Name", details.name if details else "", max_chars=200)
            record_number = st.text_input(
                "Record number", details.record_number if details else "", max_chars=64, help="As your clinic counts."
            )
            birth_date = st.date_input(
                "Date of birth",
                details.birth_date if details else None,
                min_value=date(1900, 1, 1),
                max_value=clock.today(),
                format="YYYY-MM-DD",
            )
            sexes = list(Sex)
            sex = st.selectbox(
                "Sex", sexes, sexes.index(details.sex) if details else None, placeholder="Choose", format_func=str.title
            )
            phone = st.text_input("Phone", (details and details.phone) or "", max_chars=40)
            email = st.text_input("Email", (details and details.email) or "", max_chars=254)
        with right:
            st.subheader("Skin")
            types = [None, *FitzpatrickSkinType]
            skin_type = st.selectbox(
                "Fitzpatrick skin type",
                types,
                types.index(details.fitzpatrick_skin_type) if details else 0,
                format_func=lambda kind: kind or "not recorded",
                help="From I (always burns, never tans) to VI (never burns).",
            )
            personal = _yes_no("Melanoma before", details.personal_hx_mm if details else None)
            family = _yes_no("Melanoma in the family", details.family_hx_mm if details else None)
            notes = st.text_area("Notes", (details and details.notes) or "", height=80)
            st.subheader("Photo consent")
            consented = st.checkbox(
                "The patient consents to photographs", value=bool(details and details.photo_consent_on)
            )
            consent_on = st.date_input(
                "Consent given on",
                (details and details.photo_consent_on) or clock.today(),
                max_value=clock.today(),
                format="YYYY-MM-DD",
            )
            wording = st.text_area(
                "Wording", (details and details.photo_consent_wording) or CONSENT_WORDING, height=110
            )
        sent = st.form_submit_button(submit, type="primary", icon=":material/save:")
    if not sent:
        return None
    if birth_date is None or sex is None:
        st.error("Name, record number, date of birth and sex are needed.", icon=":material/error:")
        return None
    return PatientDetails(
        record_number=record_number,
        name=name,
        birth_date=birth_date,
        sex=sex,
        fitzpatrick_skin_type=skin_type,
        phone=phone,
        email=email,
        personal_hx_mm=personal,
        family_hx_mm=family,
        notes=notes,
        photo_consent_on=consent_on if consented else None,
        photo_consent_wording=wording if consented else None,
    )


def _yes_no(label: str, value: bool | None) -> bool | None:
    options = list(_YES_NO)
    return st.radio(label, options, options.index(value), format_func=_YES_NO.__getitem__, horizontal=True)
