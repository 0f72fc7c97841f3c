"""The pages: where each lies, who sees it in the menu, and how to get from one to another."""

import re
from typing import NoReturn

import streamlit as st

from core.records.actor import Actor, Permission

HOME = "views/home.py"
PATIENTS = "views/patients.py"
RECALLS = "views/recalls.py"
REGISTER = "views/register.py"
PATIENT = "views/patient.py"
VISIT = "views/visit.py"
LESION = "views/lesion.py"
COMPARE = "views/compare.py"
CLINICS = "views/clinics.py"
SCREENING = "views/screening.py"
ACCOUNT = "views/account.py"
ACCOUNTS = "views/accounts.py"
AUDIT = "views/audit.py"
MODEL = "views/model.py"
AGREEMENT = "views/agreement.py"


def pages(actor: Actor) -> list[st.Page]:
    """The pages that `actor` may open, in the order of the menu. Pages of one patient are opened from others."""
    found = [
        st.Page(HOME, title="Home", icon=":material/home:", default=True),
        st.Page(PATIENTS, title="Patients", icon=":material/group:"),
        st.Page(RECALLS, title="Recalls", icon=":material/event_repeat:"),
        st.Page(REGISTER, title="Register", icon=":material/person_add:"),
        st.Page(PATIENT, title="Patient", visibility="hidden"),
        st.Page(VISIT, title="Visit", visibility="hidden"),
        st.Page(LESION, title="Lesion", visibility="hidden"),
        st.Page(COMPARE, title="Compare", visibility="hidden"),
        st.Page(CLINICS, title="Clinic map", icon=":material/map:"),
        st.Page(SCREENING, title="Public screening", icon=":material/public:", url_path="public-screening"),
    ]
    found.append(st.Page(MODEL, title="Model", icon=":material/analytics:"))
    if actor.may(Permission.DIAGNOSE):
        found.append(st.Page(AGREEMENT, title="Agreement", icon=":material/balance:"))
    if actor.may(Permission.ADMINISTER):
        found += [
            st.Page(ACCOUNTS, title="Accounts", icon=":material/manage_accounts:"),
            st.Page(AUDIT, title="Audit trail", icon=":material/fact_check:", url_path="audit-trail"),
        ]
    return [*found, st.Page(ACCOUNT, title="Your account", icon=":material/account_circle:", url_path="your-account")]


def go_to(page: str, *, id: int | None = None) -> NoReturn:
    """Open a page, of the thing with that id where it is a page of one thing."""
    st.switch_page(page, query_params={} if id is None else {"id": str(id)})


def link_to(page: str, label: str, *, id: int, icon: str | None = None) -> None:
    """A link to the page of one thing."""
    st.page_link(page, label=label, icon=icon, query_params={"id": str(id)})


def id_in_address() -> int:
    """The id that the page's address names. Stops the page, with a way on, where it names none."""
    # A longer number is no id of ours, and both databases fail on one that is beyond their range.
    if re.fullmatch(r"[0-9]{1,9}", st.query_params.get("id", "")):
        return int(st.query_params["id"])
    st.info("This page belongs to a patient. Choose one first.", icon=":material/info:")
    st.page_link(PATIENTS, label="Find a patient", icon=":material/search:")
    st.stop()
