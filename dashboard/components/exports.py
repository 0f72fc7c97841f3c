"""What leaves the clinic from a page: the report of a visit or a lesion, the whole chart, and the erasure of a patient.

Nothing is made until its button is pressed: each export is noted in the audit trail, and takes its time.
"""

import io
from collections.abc import Callable

import streamlit as st

from core.exchange.forms import Form, Letterhead, Paper
from core.records import erasure
from core.records.actor import Permission
from core.records.tables import Lesion, Patient, Visit
from dashboard import navigation, page
from dashboard.session import workspace

FORMS = {
    Form.PDF: ("Printed chart (PDF)", "pdf", "application/pdf"),
    Form.FHIR: ("For another clinic’s software (FHIR R5)", "json", "application/fhir+json"),
    Form.DICOM: ("Images for a PACS (DICOM)", "dicom.zip", "application/zip"),
    Form.ISIC: ("For research, without identity (ISIC)", "isic.zip", "application/zip"),
    Form.ALL: ("Everything, for the patient", "all.zip", "application/zip"),
}


def visit_report(visit: Visit) -> None:
    """The report of a visit, made on request."""

    def make(letterhead: Letterhead) -> bytes:
        from core.exchange import exports  # noqa: PLC0415

        here = workspace()
        return exports.print_visit(
            here.database, page.person(), store=here.images, letterhead=letterhead, visit_id=visit.id
        )

    _report(f"visit-{visit.id}", make)


def lesion_report(lesion: Lesion) -> None:
    """The report of a lesion, made on request."""

    def make(letterhead: Letterhead) -> bytes:
        from core.exchange import exports  # noqa: PLC0415

        here = workspace()
        return exports.print_lesion(
            here.database, page.person(), store=here.images, letterhead=letterhead, lesion_id=lesion.id
        )

    _report(f"lesion-{lesion.id}", make)


def export_section(patient: Patient) -> None:
    """The whole chart in any form, and its erasure, for those who may."""
    actor = page.person()
    if not actor.may(Permission.EXPORT):
        st.info("A clinician or an administrator exports a chart.", icon=":material/lock:")
        return
    form = st.selectbox("Form", list(FORMS), format_func=lambda form: FORMS[form][0], key=f"export:{patient.id}")
    letterhead = _letterhead(f"export:{patient.id}") if form in (Form.PDF, Form.ALL) else Letterhead("")
    here = workspace()

    def make() -> bytes:
        # The libraries take seconds to load: only whoever exports waits for them.
        from core.exchange import exports  # noqa: PLC0415

        file = io.BytesIO()
        exports.export_patient(
            here.database,
            actor,
            workspace=here,
            letterhead=letterhead,
            patient_id=patient.id,
            form=form,
            file=file,
        )
        return file.getvalue()

    _, ending, media_type = FORMS[form]
    name = f"patient-{patient.id}.{ending}"
    _made_on_request(f"patient-{patient.id}", "Prepare export", name, media_type, make)
    st.caption("The file holds a patient’s records: keep it as you keep them. The export is noted in the audit trail.")
    if actor.may(Permission.ADMINISTER):
        _erasure(patient)


def _report(name: str, make: Callable[[Letterhead], bytes]) -> None:
    with st.expander("Report (PDF)", icon=":material/print:"):
        letterhead = _letterhead(name)
        _made_on_request(
            name,
            "Prepare report",
            f"{name}.pdf",
            "application/pdf",
            lambda: make(letterhead),
        )


def _letterhead(key: str) -> Letterhead:
    paper = st.segmented_control("Paper", list(Paper), default=Paper.A4, required=True, key=f"paper:{key}")
    return Letterhead(workspace().settings.clinic_name, paper)


def _made_on_request(key: str, label: str, file_name: str, media_type: str, make: Callable[[], bytes]) -> None:
    if not st.button(label, key=f"make:{key}", icon=":material/description:"):
        return
    with page.errors_told():
        with st.spinner("One moment"):
            data = make()
        # The page keeps no copy: the next click anywhere lets it go.
        st.download_button(
            f"Download {file_name}",
            data,
            file_name,
            media_type,
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            key=f"download:{key}",
        )


def _erasure(patient: Patient) -> None:
    with st.expander("Erase this patient for good", icon=":material/delete_forever:"):
        st.warning(
            "Every visit, lesion, image, reading and diagnosis of this patient is removed and cannot be brought back. "
            "Only the note of who erased it, and when, stays. Backups made before still hold the patient.",
            icon=":material/warning:",
        )
        with st.form(f"erase:{patient.id}"):
            typed = st.text_input("Record number, to confirm", key=f"erase:{patient.id}:number")
            sent = st.form_submit_button("Erase for good", icon=":material/delete_forever:")
        if sent:
            with page.errors_told():
                here = workspace()
                erasure.erase_patient(
                    here.database,
                    page.person(),
                    store=here.images,
                    similar=here.similar,
                    patient_id=patient.id,
                    confirmed_number=typed,
                )
                page.tell_next("The patient is erased.")
                navigation.go_to(navigation.PATIENTS)
