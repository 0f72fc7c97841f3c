"""The operator's commands for what leaves the clinic and comes back: python -m core export, import, erase."""

from pathlib import Path
from typing import Annotated

import typer

from core.errors import Invalid, NotFound
from core.exchange import chart
from core.exchange.forms import Form, Letterhead, Paper
from core.records import erasure, lesions, visits
from core.records.actor import OPERATOR
from core.settings import Settings
from core.workspace import Workspace

export_app = typer.Typer(help="Take a patient's chart out of the clinic.", no_args_is_help=True)
import_app = typer.Typer(help="Take files into a chart.", no_args_is_help=True)


def _workspace() -> Workspace:
    workspace = Workspace(Settings())
    workspace.prepare()
    return workspace


@export_app.command("patient")
def export_patient(  # noqa: PLR0917 - each is an option of the command line
    number: Annotated[str, typer.Argument(help="The patient's record number.")],
    pdf: Annotated[Path | None, typer.Option(help="The chart as the clinic prints it.")] = None,
    fhir: Annotated[Path | None, typer.Option(help="A FHIR R5 Bundle (JSON) with the images in it.")] = None,
    dicom: Annotated[Path | None, typer.Option(help="DICOM objects, in a folder or a .zip file.")] = None,
    isic: Annotated[Path | None, typer.Option(help="ISIC metadata and images, in a folder or a .zip file.")] = None,
    everything: Annotated[Path | None, typer.Option("--all", help="All there is, in one zip file.")] = None,
    paper: Annotated[str, typer.Option(help="A4 or Letter.")] = "A4",
) -> None:
    """Write a patient's chart in one form or several; each file is written whole or not at all."""
    # These libraries take two seconds to load, and other commands need none of them.
    from core.exchange import exports  # noqa: PLC0415

    sheets = {sheet.lower(): sheet for sheet in Paper}
    if paper.lower() not in sheets:
        raise Invalid("The paper is A4 or Letter.")
    paths = {"pdf": pdf, "fhir": fhir, "dicom": dicom, "isic": isic, "all": everything}
    chosen = {Form(form): path for form, path in paths.items() if path is not None}
    if not chosen:
        raise Invalid("Choose a form: --pdf, --fhir, --dicom, --isic or --all, each with a path.")
    workspace = _workspace()
    letterhead = Letterhead(workspace.settings.clinic_name, sheets[paper.lower()])
    patient_id = chart.patient_id_of(workspace.database, number)
    for form, path in chosen.items():
        exports.export_patient_to(
            workspace.database,
            OPERATOR,
            workspace=workspace,
            letterhead=letterhead,
            patient_id=patient_id,
            form=form,
            path=path,
        )
        print(f"Wrote {path}.")


@import_app.command("dicom")
def import_dicom(
    file: Path,
    visit: Annotated[int, typer.Option(help="The id of the visit, as in the address of its page.")],
    lesion: Annotated[str, typer.Option(help="The lesion within the patient, such as L2.")],
    although_other_patient: Annotated[
        bool, typer.Option(help="The file names another patient, and you have made sure that it belongs here.")
    ] = False,
    although_elsewhere: Annotated[
        bool, typer.Option(help="Another patient's chart holds this image too, and it belongs to both.")
    ] = False,
) -> None:
    """Take a DICOM photograph into a visit and a lesion. Refuses a file that names another patient."""
    from core.exchange import dicom_import  # noqa: PLC0415

    workspace = _workspace()
    patient_id = visits.get_visit(workspace.database, OPERATOR, visit_id=visit).patient_id
    known = lesions.list_lesions(workspace.database, OPERATOR, patient_id=patient_id)
    found = next((row for row in known if lesion.upper() in (row.label, str(row.number))), None)
    if found is None:
        raise NotFound(f"The visit's patient has no lesion {lesion}.")
    image = dicom_import.import_dicom(
        workspace.database,
        OPERATOR,
        intake=workspace.intake,
        visit_id=visit,
        lesion_id=found.id,
        data=file.read_bytes(),
        although_other_patient=although_other_patient,
        although_elsewhere=although_elsewhere,
    )
    print(f"Added image {image.id} to lesion {found.label}.")


def erase(
    number: Annotated[str, typer.Argument(help="The patient's record number.")],
    confirm: Annotated[str | None, typer.Option(help="The record number again; asked for where it is missing.")] = None,
) -> None:
    """Erase a patient for good, images and all, leaving only the audit entry of it."""
    workspace = _workspace()
    patient_id = chart.patient_id_of(workspace.database, number)
    typed = confirm if confirm is not None else typer.prompt("Type the record number again to erase for good")
    erased = erasure.erase_patient(
        workspace.database,
        OPERATOR,
        store=workspace.images,
        similar=workspace.similar,
        patient_id=patient_id,
        confirmed_number=typed,
    )
    print(f"Erased {erased.rows} rows and {erased.files} files. Backups made before still hold them.")
