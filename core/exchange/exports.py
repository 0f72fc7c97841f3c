"""The verbs by which a chart leaves the clinic. Each writes an audit entry that says in which form.

A report of a visit or a lesion may be printed by whoever may read the chart, as the desk does for a patient who waits;
what takes the whole chart along is for clinicians and administrators.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from core.errors import NotFound
from core.exchange import report
from core.exchange.archive import archive_files
from core.exchange.chart import Chart, chart_of
from core.exchange.dicom import dicom_file
from core.exchange.fhir import bundle_of
from core.exchange.forms import Form, Letterhead
from core.exchange.isic import isic_files
from core.exchange.whole import Files, write_file, write_folder, write_zip
from core.records import audit
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import Lesion, Visit
from core.vision.intake import decode
from core.workspace import Workspace


@requires(Permission.EXPORT)
def export_patient(
    database: Database,
    actor: Actor,
    *,
    workspace: Workspace,
    letterhead: Letterhead,
    patient_id: int,
    form: Form,
    file: IO[bytes],
) -> None:
    """Write a chart into `file`: a PDF, a FHIR Bundle with the images in it as JSON, or a zip file of the rest.

    Raises NotFound; Invalid where the patient has not consented to what `form` needs.
    """
    chart = chart_of(database, patient_id=patient_id)
    _writer(workspace, chart, letterhead, form)(file)
    _record(database, actor, form, patient_id)


@requires(Permission.EXPORT)
def export_patient_to(
    database: Database,
    actor: Actor,
    *,
    workspace: Workspace,
    letterhead: Letterhead,
    patient_id: int,
    form: Form,
    path: Path,
) -> None:
    """As `export_patient`, to a path at which there is either the whole export or none.

    DICOM objects and ISIC's files become a folder, unless the path ends in .zip. Raises OSError too, and Conflict where
    a folder with something in it is there.
    """
    chart = chart_of(database, patient_id=patient_id)
    if form in (Form.DICOM, Form.ISIC) and path.suffix != ".zip":
        write_folder(path, _files(workspace, chart, form))
    else:
        write_file(path, _writer(workspace, chart, letterhead, form))
    _record(database, actor, form, patient_id)


@requires(Permission.READ_CHART)
def print_visit(database: Database, actor: Actor, *, store: ImageStore, letterhead: Letterhead, visit_id: int) -> bytes:
    """The PDF report of a visit. Raises NotFound."""
    with database.reading() as session:
        visit = session.get(Visit, visit_id)
    if visit is None:
        raise NotFound("There is no such visit.")
    chart = chart_of(database, patient_id=visit.patient_id)
    (visit,) = [row for row in chart.visits if row.id == visit_id]
    printed = report.visit_report(chart, store, letterhead, visit=visit)
    _record(database, actor, Form.PDF, chart.patient.id, ("visit", visit_id))
    return printed


@requires(Permission.READ_CHART)
def print_lesion(
    database: Database, actor: Actor, *, store: ImageStore, letterhead: Letterhead, lesion_id: int
) -> bytes:
    """The PDF report of a lesion through time. Raises NotFound."""
    with database.reading() as session:
        lesion = session.get(Lesion, lesion_id)
    if lesion is None:
        raise NotFound("There is no such lesion.")
    chart = chart_of(database, patient_id=lesion.patient_id)
    printed = report.lesion_report(chart, store, letterhead, lesion_id=lesion_id)
    _record(database, actor, Form.PDF, chart.patient.id, ("lesion", lesion_id))
    return printed


def _writer(workspace: Workspace, chart: Chart, letterhead: Letterhead, form: Form) -> Callable[[IO[bytes]], None]:
    store = workspace.images
    if form is Form.PDF:
        return lambda file: _write(file, report.patient_report(chart, store, letterhead))
    if form is Form.FHIR:
        return lambda file: _write(file, bundle_of(chart, store).model_dump_json(indent=1).encode())
    if form is Form.ALL:
        printed = report.patient_report(chart, store, letterhead)
        return lambda file: write_zip(file, archive_files(chart, workspace.database, store, report=printed))
    return lambda file: write_zip(file, _files(workspace, chart, form))


def _files(workspace: Workspace, chart: Chart, form: Form) -> Files:
    if form is Form.ISIC:
        return isic_files(chart, workspace.images, key=workspace.pseudonym_key)
    return _dicom_files(chart, workspace.images)


def _dicom_files(chart: Chart, store: ImageStore) -> Iterator[tuple[str, bytes]]:
    for image in chart.images():
        name = f"{image.lesion.label}_{image.visit.at.astimezone():%Y-%m-%d}_{image.id}.dcm"
        yield name, dicom_file(image, chart.patient, decode(store.get(image.sha256)))


def _write(file: IO[bytes], data: bytes) -> None:
    file.write(data)


def _record(
    database: Database, actor: Actor, form: Form, patient_id: int, subject: tuple[str, int] | None = None
) -> None:
    kind, row_id = subject or ("patient", patient_id)
    with database.writing() as session:
        audit.record(
            session,
            actor,
            f"patient.export.{form}",
            subject_type=kind,
            subject_id=row_id,
            patient_id=patient_id,
        )
