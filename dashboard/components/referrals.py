"""Referrals: the form that sends one, and the list of a patient's, with the way to their letters."""

from collections.abc import Sequence

import streamlit as st

from core.clinics.places import country_name
from core.records import lesions, referrals
from core.records.actor import Permission
from core.records.public_directory import ListedClinic
from core.records.tables import Patient, Referral
from core.records.terms import ReferralState
from dashboard import letters, navigation, page

_COLOURS = {ReferralState.SENT: "orange", ReferralState.SEEN: "blue", ReferralState.CLOSED: "gray"}


def clinic_title(clinic: ListedClinic) -> str:
    """A clinic in a list to choose from."""
    return f"{clinic.name} · {clinic.city}, {country_name(clinic.country)}"


def refer_form(patient: Patient, clinics: Sequence[ListedClinic]) -> None:
    """Ask for clinic, lesion and reason, and send the referral; `clinics` are offered in their order."""
    actor, database = page.person(), page.database()
    name = f"refer:{patient.id}"
    key = page.turn_key(name)
    known = lesions.list_lesions(database, actor, patient_id=patient.id)
    with st.form(key):
        clinic = st.selectbox(
            "Clinic", clinics, None, format_func=clinic_title, placeholder="Choose a clinic", key=f"{key}:clinic"
        )
        lesion = st.selectbox(
            "Lesion",
            known,
            None,
            format_func=lambda lesion: f"{lesion.label}, {lesion.place}",
            placeholder="The whole skin",
            key=f"{key}:lesion",
        )
        reason = st.text_area(
            "Reason",
            placeholder="What you saw, what was done, what you ask for",
            max_chars=referrals.LONGEST_REASON,
            key=f"{key}:reason",
        )
        urgent = st.checkbox("Urgent", key=f"{key}:urgent")
        sent = st.form_submit_button("Refer", type="primary", icon=":material/outgoing_mail:")
    if sent and clinic is None:
        st.error("Choose the clinic.", icon=":material/error:")
    elif sent:
        with page.errors_told():
            referrals.refer(
                database,
                actor,
                patient_id=patient.id,
                clinic_id=clinic.id,
                reason=reason,
                urgent=urgent,
                lesion_id=lesion.id if lesion else None,
            )
            page.next_turn(name)
            page.tell_next("The referral is kept. Its letter is under Referrals.")
            navigation.go_to(navigation.PATIENT, id=patient.id)


def referrals_tab(patient: Patient) -> None:
    """The patient's referrals; each may be moved on, and its letter seen and printed."""
    actor, database = page.person(), page.database()
    found = referrals.referrals_of(database, actor, patient_id=patient.id)
    if not found:
        st.info("This patient was not referred yet.", icon=":material/outgoing_mail:")
    if actor.may(Permission.DIAGNOSE):
        chosen = {"patient": str(patient.id)}
        st.page_link(navigation.CLINICS, label="Refer to a clinic", icon=":material/map:", query_params=chosen)
    for referral in found:
        _card(referral)


def _card(referral: Referral) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{page.plain(referral.clinic.name)}**, {page.plain(referral.clinic.city)}", width="content")
            st.badge(referral.state, color=_COLOURS[referral.state])
            if referral.urgent:
                st.badge("urgent", color="red", icon=":material/priority_high:")
        st.text(referral.reason)
        about = f" for {referral.lesion.label}, {referral.lesion.place}" if referral.lesion else ""
        moments = [f"sent {page.day(referral.sent_at)} by {referral.user.full_name}{about}"]
        moments += [f"seen {page.day(referral.seen_at)}"] if referral.seen_at else []
        moments += [f"closed {page.day(referral.closed_at)}"] if referral.closed_at else []
        st.caption(page.plain(" · ".join(moments)))
        with st.container(horizontal=True, vertical_alignment="center"):
            if referral.state is ReferralState.SENT:
                _move(referral, ReferralState.SEEN, "Seen there", ":material/visibility:")
            if referral.state is not ReferralState.CLOSED:
                _move(referral, ReferralState.CLOSED, "Close", ":material/check:")
            st.link_button("Letter", letters.referral_address(referral.id), icon=":material/mail:")


def _move(referral: Referral, state: ReferralState, label: str, icon: str) -> None:
    if st.button(label, icon=icon, key=f"referral:{referral.id}:{state}"):
        with page.errors_told():
            referrals.move_referral(page.database(), page.person(), referral_id=referral.id, state=state)
            st.rerun()
