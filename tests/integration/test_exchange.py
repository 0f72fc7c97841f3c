"""What leaves the clinic: each form read back by its own library, for whom it is refused, and what the trail says."""

import csv
import io
import json
import re
import stat
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest
from fhir.resources.bundle import Bundle
from isic_metadata.metadata import MetadataBatch, MetadataRow
from PIL import Image as Picture
from pypdf import PdfReader

from bench.warps import warped
from core.body_map import Place
from core.demo.lesion_images import draw_lesion
from core.errors import Conflict, Invalid, NotAllowed, OtherPatient
from core.exchange import exports
from core.exchange.dicom_import import import_dicom
from core.exchange.exports import export_patient, export_patient_to, print_lesion, print_visit
from core.exchange.forms import Form, Letterhead, Paper
from core.exchange.report import SUPPORT
from core.exchange.typesetting import font_of
from core.records import clock, judgements, outlines
from core.records.actor import Actor
from core.records.tables import Image, Lesion, Patient, Visit
from core.records.terms import BodySite, BodyView, ConfirmType, ImageType, Laterality
from core.vision.intake import decode
from core.workspace import Workspace
from tests.charts import Charts
from tests.everything import all_rows

LETTERHEAD = Letterhead("Skin Clinic Madurai", Paper.A4)
CONSENT = {"photo_consent_on": date(2026, 1, 5), "photo_consent_wording": "For research."}
DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.7"


@pytest.fixture
def dialect() -> str:
    """Exports read charts through the same verbs on either database."""
    return "sqlite"


@pytest.fixture
def chart(charts: Charts, clinician: Actor) -> tuple[Patient, Visit, Lesion, Image]:
    """A consented patient with two visits, an image at each, a diagnosis that superseded another, and a recall."""
    patient = charts.patient(name="Meera Iyer பிரியா", birth_date=date(1931, 4, 23), **CONSENT)
    lesion = charts.lesion(patient, laterality=Laterality.LEFT, description="dark mole")
    charts.image(charts.visit(patient, days_ago=90), lesion)
    visit = charts.visit(patient, reason="Changing mole", clinician_id=clinician.user_id)
    image = charts.image(visit, lesion)
    for name in ("vascular lesion", "melanoma"):
        judgements.record_diagnosis(
            charts.database, clinician, lesion_id=lesion.id, name=name, confirm_type=ConfirmType.HISTOPATHOLOGY
        )
    due = clock.today() + timedelta(days=91)
    judgements.set_recall(charts.database, clinician, lesion_id=lesion.id, due_on=due, reason="watch the edge")
    return patient, visit, lesion, image


def exported(workspace: Workspace, actor: Actor, patient: Patient, form: Form) -> bytes:
    file = io.BytesIO()
    export_patient(
        workspace.database,
        actor,
        workspace=workspace,
        letterhead=LETTERHEAD,
        patient_id=patient.id,
        form=form,
        file=file,
    )
    return file.getvalue()


def actions(workspace: Workspace) -> list[str]:
    return [row["action"] for row in all_rows(workspace.database)["audit_entry"]]


def test_the_report_of_a_visit_reads_and_shows_what_the_chart_holds(
    workspace: Workspace, staff: Actor, chart: tuple[Patient, Visit, Lesion, Image]
) -> None:
    patient, visit, _, image = chart
    data = print_visit(workspace.database, staff, store=workspace.images, letterhead=LETTERHEAD, visit_id=visit.id)
    pages = PdfReader(io.BytesIO(data)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for words in ("Skin Clinic Madurai", "Meera Iyer", f"No. {patient.record_number}", "Lesion L1 · Trunk, left"):
        assert words in text
    for words in (
        " ".join(SUPPORT.split()[:8]),
        "Clinician's diagnosis: melanoma",
        "watch the edge",
        "Signature",
        "page 1 of",
    ):
        assert words in text
    assert "?" not in text
    # The image before, this one, and its heat map.
    shown = [picture.image for page in pages for picture in page.images]
    assert len(shown) == 3
    kept = Picture.open(io.BytesIO(workspace.images.get(image.display_sha256)))
    assert np.abs(np.asarray(shown[1].convert("RGB"), int) - np.asarray(kept, int)).mean() < 4
    assert actions(workspace)[-1] == "patient.export.pdf"


def test_paper_is_what_was_chosen(
    workspace: Workspace, clinician: Actor, chart: tuple[Patient, Visit, Lesion, Image]
) -> None:
    for paper, size in ((Paper.A4, (595, 842)), (Paper.LETTER, (612, 792))):
        letterhead = Letterhead("Clinic", paper)
        data = print_lesion(
            workspace.database, clinician, store=workspace.images, letterhead=letterhead, lesion_id=chart[2].id
        )
        box = PdfReader(io.BytesIO(data)).pages[0].mediabox
        assert (round(box.width), round(box.height)) == size


def printed(workspace: Workspace, actor: Actor, lesion: Lesion, paper: Paper = Paper.A4) -> tuple[str, int, int]:
    """A lesion's report: its words, how many pictures it shows, and on how many pages."""
    data = print_lesion(
        workspace.database,
        actor,
        store=workspace.images,
        letterhead=Letterhead("Clinic", paper),
        lesion_id=lesion.id,
    )
    pages = PdfReader(io.BytesIO(data)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    return text, sum(len(page.images) for page in pages), len(pages)


def png(picture: Picture.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_lesions_report_shows_the_map_the_aligned_images_and_what_was_measured(
    workspace: Workspace, charts: Charts, clinician: Actor
) -> None:
    patient = charts.patient()
    place = Place(BodyView.BACK, 0.42, 0.31)
    lesion = charts.lesion(patient, laterality=Laterality.LEFT, place=place)
    charts.lesion(patient, place=Place(BodyView.HEAD, 0.28, 0.67), body_site=BodySite.HEAD_AND_NECK)
    drawn = draw_lesion(seed=6, size=384)
    later = warped(drawn, np.random.default_rng(6), growth=1.2)
    taken = [
        charts.image(charts.visit(patient, days_ago=days), lesion, png(picture))
        for days, picture in ((90, drawn), (1, later.picture))
    ]
    text, pictures, _ = printed(workspace, clinician, lesion)
    assert "Body map" in text and "Back" in text and "Head" in text
    assert "Front" not in text and "Hands" not in text
    assert "Black: the lesions of this report." in text
    assert "First and newest image" in text
    assert "aligned by the skin around: growth shows as growth." in text
    # The newest image and its heat map; the first image, and the newest laid over it.
    assert pictures == 4
    assert "Measurements: none, no outline of the newest image is kept." in text
    for image in taken:
        outlines.outline_of(
            workspace.database, clinician, store=workspace.images, outliner=workspace.outliner, image_id=image.id
        )
    text, _, pages = printed(workspace, clinician, lesion, Paper.LETTER)
    assert pages <= 3
    # Without a scale a size is not given; aligned by the skin, its change is, in percent.
    assert "Area no scale no scale +" in text and "%: changed" in text
    assert "A: asymmetry" in text and "D is the clinician's to score" in text
    for image, scale in zip(taken, (1.0, later.scale), strict=True):
        outlines.set_scale(workspace.database, clinician, image_id=image.id, mm_per_pixel=0.03 / scale)
    text, _, _ = printed(workspace, clinician, lesion)
    assert re.search(r"Area \d+\.\d ± \d+\.\d mm² \d+\.\d ± \d+\.\d mm² \+\d+\.\d ± \d+\.\d mm²: changed", text)


def test_images_that_cannot_be_aligned_are_printed_as_they_were_taken(
    workspace: Workspace, charts: Charts, clinician: Actor
) -> None:
    patient = charts.patient()
    lesion = charts.lesion(patient)
    for days, seed in ((90, 6), (1, 61)):
        charts.image(charts.visit(patient, days_ago=days), lesion, png(draw_lesion(seed=seed, size=384)))
    text, pictures, _ = printed(workspace, clinician, lesion)
    assert "The two images could not be aligned; they are side by side as they were taken." in text
    assert "Not placed on the body map: L1" in text
    # The newest image stands in two places, and is in the file once.
    assert pictures == 3


def test_a_chart_and_a_visit_show_the_map_with_every_pin(
    workspace: Workspace, charts: Charts, clinician: Actor
) -> None:
    patient = charts.patient()
    visit = charts.visit(patient)
    lesion = charts.lesion(patient, place=Place(BodyView.FRONT, 0.55, 0.25))
    charts.lesion(patient, place=Place(BodyView.FRONT, 0.45, 0.25))
    charts.image(visit, lesion)
    for data, others in (
        (exported(workspace, clinician, patient, Form.PDF), False),
        (
            print_visit(
                workspace.database, clinician, store=workspace.images, letterhead=LETTERHEAD, visit_id=visit.id
            ),
            True,
        ),
    ):
        text = " ".join(PdfReader(io.BytesIO(data)).pages[0].extract_text().split())
        assert "Body map" in text and "Front" in text
        assert ("White: the patient's others." in text) is others


def test_letters_of_many_scripts_have_a_font_and_others_are_known_to_have_none() -> None:
    assert all(font_of(letter) for letter in "aßđЖअதعবගעก王さ")
    assert font_of("😀") is None


def test_the_bundle_is_valid_whole_and_holds_no_reading_as_a_condition(
    workspace: Workspace, clinician: Actor, chart: tuple[Patient, Visit, Lesion, Image]
) -> None:
    data = exported(workspace, clinician, chart[0], Form.FHIR)
    Bundle.model_validate_json(data)
    entries = json.loads(data)["entry"]
    kinds = [entry["resource"]["resourceType"] for entry in entries]
    counted = {kind: kinds.count(kind) for kind in ("Patient", "Encounter", "BodyStructure", "DocumentReference")}
    assert counted == {"Patient": 1, "Encounter": 2, "BodyStructure": 1, "DocumentReference": 2}
    assert (kinds.count("RiskAssessment"), kinds.count("DiagnosticReport"), kinds.count("Condition")) == (2, 2, 1)
    known = {entry["fullUrl"] for entry in entries}
    assert len(known) == len(entries)
    assert set(references(entries)) <= known
    by_kind = {entry["resource"]["resourceType"]: entry["resource"] for entry in entries}
    assert by_kind["Condition"]["code"]["text"] == "Melanoma, NOS"
    risks = by_kind["RiskAssessment"]["prediction"]
    assert sum(risk["probabilityDecimal"] for risk in risks) == pytest.approx(100, abs=0.01)
    assert exported(workspace, clinician, chart[0], Form.FHIR).count(b"urn:uuid") == data.count(b"urn:uuid")


def references(part: object) -> list[str]:
    if isinstance(part, list):
        return [found for one in part for found in references(one)]
    if isinstance(part, dict):
        here = [part["reference"]] if isinstance(part.get("reference"), str) else []
        return here + [found for one in part.values() for found in references(one)]
    return []


def dicom_of(workspace: Workspace, actor: Actor, patient: Patient) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(exported(workspace, actor, patient, Form.DICOM))) as archive:
        return [archive.read(name) for name in sorted(archive.namelist())]


def test_dicom_objects_hold_the_same_pixels_and_keep_their_uids(
    workspace: Workspace, clinician: Actor, charts: Charts, chart: tuple[Patient, Visit, Lesion, Image]
) -> None:
    first, second = (pydicom.dcmread(io.BytesIO(data)) for data in dicom_of(workspace, clinician, chart[0]))
    assert (second.SOPClassUID, second.Modality, str(second.PatientName)) == (DERMOSCOPIC, "DMS", chart[0].name)
    kept = np.asarray(decode(workspace.images.get(chart[3].sha256)))
    assert np.array_equal(second.pixel_array, kept)
    assert first.StudyInstanceUID != second.StudyInstanceUID
    assert first.TrackingUID == second.TrackingUID
    again = pydicom.dcmread(io.BytesIO(dicom_of(workspace, clinician, chart[0])[1]))
    assert again.SOPInstanceUID == second.SOPInstanceUID


def test_a_dicom_file_comes_in_only_where_it_belongs(
    workspace: Workspace, clinician: Actor, charts: Charts, chart: tuple[Patient, Visit, Lesion, Image]
) -> None:
    data = dicom_of(workspace, clinician, chart[0])[1]
    here = {"intake": workspace.intake, "data": data}
    second = charts.lesion(chart[0])
    taken = import_dicom(workspace.database, clinician, visit_id=chart[1].id, lesion_id=second.id, **here)
    assert (taken.sha256, taken.image_type) == (chart[3].sha256, ImageType.DERMOSCOPIC)
    other = charts.patient(name="Meera Iyer")
    visit, lesion = charts.visit(other), charts.lesion(other)
    before = len(all_rows(workspace.database)["image"])
    with pytest.raises(OtherPatient, match="record number"):
        import_dicom(workspace.database, clinician, visit_id=visit.id, lesion_id=lesion.id, **here)
    assert len(all_rows(workspace.database)["image"]) == before
    sure = {"although_other_patient": True, "although_elsewhere": True}
    import_dicom(workspace.database, clinician, visit_id=visit.id, lesion_id=lesion.id, **sure, **here)


@pytest.mark.parametrize("damage", [b"", b"\0" * 200, b"\0" * 128 + b"DICM" + b"\xff" * 64])
def test_what_is_no_dicom_photograph_is_refused_in_a_sentence(
    workspace: Workspace, clinician: Actor, chart: tuple[Patient, Visit, Lesion, Image], damage: bytes
) -> None:
    with pytest.raises(Invalid, match="DICOM"):
        import_dicom(
            workspace.database,
            clinician,
            intake=workspace.intake,
            visit_id=chart[1].id,
            lesion_id=chart[2].id,
            data=damage,
        )


def test_isic_metadata_is_valid_and_says_nothing_of_who_it_is(
    workspace: Workspace, clinician: Actor, chart: tuple[Patient, Visit, Lesion, Image], tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(exported(workspace, clinician, chart[0], Form.ISIC))) as archive:
        table = archive.read("metadata.csv").decode()
        pictures = [name for name in archive.namelist() if name.endswith(".png")]
        whole = b"".join(archive.read(name) for name in archive.namelist())
        assert all(Picture.open(archive.open(name)).info == {} for name in pictures)
    rows = list(csv.DictReader(io.StringIO(table)))
    MetadataBatch(items=[MetadataRow.model_validate(dict(row)) for row in rows])
    assert [row["acquisition_day"] for row in rows] == ["0", "90"]
    assert {(row["age"], row["diagnosis"].split(":")[-1]) for row in rows} == {("85", "Melanoma, NOS")}
    assert len(pictures) == 2
    for secret in (chart[0].name, chart[0].record_number, "1931", f"{clock.today():%Y-%m-%d}", "dark mole"):
        assert secret.encode() not in whole


def test_without_consent_no_image_leaves_for_research(
    workspace: Workspace, clinician: Actor, charts: Charts, tmp_path: Path
) -> None:
    patient, *_ = charts.filled()
    before = actions(workspace)
    with pytest.raises(Invalid, match="not consented"):
        exported(workspace, clinician, patient, Form.ISIC)
    assert actions(workspace) == before


def test_everything_is_one_archive_that_is_whole_or_not_there(
    workspace: Workspace, clinician: Actor, chart: tuple[Patient, Visit, Lesion, Image], tmp_path: Path
) -> None:
    path = tmp_path / "all.zip"
    asked = {"workspace": workspace, "letterhead": LETTERHEAD, "patient_id": chart[0].id}
    export_patient_to(workspace.database, clinician, form=Form.ALL, path=path, **asked)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        assert {"index.html", "report.pdf", "fhir.json", "records.json"} < names
        urls = [
            entry["resource"]["content"][0]["attachment"]["url"]
            for entry in json.loads(archive.read("fhir.json"))["entry"]
            if entry["resource"]["resourceType"] == "DocumentReference"
        ]
        assert set(urls) < names
        assert len(json.loads(archive.read("records.json"))["reading"]) == 2
    workspace.images.path(chart[3].sha256).unlink()
    with pytest.raises(Exception, match="no such image"):
        export_patient_to(workspace.database, clinician, form=Form.ALL, path=tmp_path / "second.zip", **asked)
    assert [entry.name for entry in tmp_path.iterdir() if "second" in entry.name or "export" in entry.name] == []


def test_a_folder_with_something_in_it_is_left_alone(
    workspace: Workspace, clinician: Actor, chart: tuple[Patient, Visit, Lesion, Image], tmp_path: Path
) -> None:
    asked = {"workspace": workspace, "letterhead": LETTERHEAD, "patient_id": chart[0].id, "form": Form.DICOM}
    export_patient_to(workspace.database, clinician, path=tmp_path / "dicom", **asked)
    assert len(list((tmp_path / "dicom").glob("*.dcm"))) == 2
    with pytest.raises(Conflict):
        export_patient_to(workspace.database, clinician, path=tmp_path / "dicom", **asked)


def test_whole_charts_are_for_clinicians_and_administrators(
    workspace: Workspace, staff: Actor, chart: tuple[Patient, Visit, Lesion, Image]
) -> None:
    before = actions(workspace)
    for form in Form:
        with pytest.raises(NotAllowed):
            exported(workspace, staff, chart[0], form)
    assert actions(workspace) == before
    assert exports.print_visit.permission == exports.print_lesion.permission
