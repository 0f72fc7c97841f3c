"""Images with metadata as the ISIC archive takes them, without identity: a CSV valid for the isic-metadata package.

What is left out: name, number, contact, notes, body side, every date, the model's readings. Ages are clamped at 85 and
days count from the patient's first image. Patients, lesions and images have names that only this installation's key can
give: the same in every export, and leading nobody back without the key. A diagnosis that is no term of the archive's is
left empty, since free words may name somebody.
"""

import csv
import hashlib
import hmac
import io
from collections.abc import Iterator

from isic_metadata.diagnosis_hierarchical import DiagnosisEnum
from isic_metadata.metadata import MetadataRow

from core import taxonomy
from core.errors import Invalid
from core.exchange.chart import Chart, LesionChart
from core.records.image_store import ImageStore
from core.records.patients import age_in_years
from core.records.tables import Image, Patient
from core.records.terms import Sex
from core.vision.intake import decode

OLDEST_AGE = 85
"""Years; ISIC shows nobody as older."""

COLUMNS = (
    "filename",
    "patient_id",
    "lesion_id",
    "acquisition_day",
    "age",
    "sex",
    "anatom_site",
    "diagnosis",
    "diagnosis_confirm_type",
    "personal_hx_mm",
    "family_hx_mm",
    "fitzpatrick_skin_type",
    "image_type",
)

_FULL_TERMS = {"vascular lesion": "Benign:Benign soft tissue proliferations - Vascular"}
"""Where the last part of the hierarchy alone is no term of the archive's."""


def isic_files(chart: Chart, store: ImageStore, *, key: str) -> Iterator[tuple[str, bytes]]:
    """The files by name: metadata.csv, and every image as PNG.

    Raises Invalid where the patient has not consented to photographs, or has no image.
    """
    if chart.patient.photo_consent_on is None:
        raise Invalid("This patient has not consented to photographs, so no image leaves the clinic for research.")
    images = list(chart.images())
    if not images:
        raise Invalid("This patient has no image.")
    return _files(chart, images, store, key)


def _files(chart: Chart, images: list[Image], store: ImageStore, key: str) -> Iterator[tuple[str, bytes]]:
    first = min(image.visit.at.astimezone().date() for image in images)
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    for lesion in chart.lesions:
        for image in lesion.images:
            row = _row(chart.patient, lesion, image, key)
            row["acquisition_day"] = (image.visit.at.astimezone().date() - first).days
            # Nothing leaves that the archive's own rules would refuse.
            MetadataRow.model_validate(dict(row))
            writer.writerow(row)
    yield "metadata.csv", table.getvalue().encode()
    for image in images:
        file = io.BytesIO()
        decode(store.get(image.sha256)).save(file, "PNG", compress_level=1)
        yield f"images/{_image_name(image, chart.patient, key)}", file.getvalue()


def _row(patient: Patient, lesion: LesionChart, image: Image, key: str) -> dict[str, object]:
    age = age_in_years(patient.birth_date, image.visit.at.astimezone().date())
    diagnosis = _isic_diagnosis(lesion.diagnosis.name) if lesion.diagnosis else None
    return {
        "filename": _image_name(image, patient, key),
        "patient_id": _pseudonym("IP", key, patient, patient.id),
        "lesion_id": _pseudonym("IL", key, patient, lesion.lesion.id),
        "age": min(age, OLDEST_AGE),
        "sex": str(patient.sex) if patient.sex in (Sex.FEMALE, Sex.MALE) else None,
        "anatom_site": str(lesion.lesion.body_site),
        "diagnosis": diagnosis,
        "diagnosis_confirm_type": str(lesion.diagnosis.confirm_type) if diagnosis and lesion.diagnosis else None,
        "personal_hx_mm": patient.personal_hx_mm,
        "family_hx_mm": patient.family_hx_mm,
        "fitzpatrick_skin_type": patient.fitzpatrick_skin_type and str(patient.fitzpatrick_skin_type),
        "image_type": str(image.image_type),
    }


def _isic_diagnosis(name: str) -> str | None:
    """The archive's full term for a diagnosis; None for words of the clinician's own."""
    ours = next((term.isic for term in taxonomy.TERMS if term.name == name), name)
    try:
        return str(DiagnosisEnum(DiagnosisEnum.accept_terminal_values(_FULL_TERMS.get(name, ours))).value)
    except ValueError:
        return None


def _image_name(image: Image, patient: Patient, key: str) -> str:
    return _pseudonym("II", key, patient, image.id) + ".png"


def _pseudonym(prefix: str, key: str, patient: Patient, row_id: int) -> str:
    """A name by keyed hash (HMAC-SHA-256): 64 bits, in which two of a million rows meet with a chance of 3e-8."""
    text = f"{prefix}/{row_id}/{patient.created_at.isoformat(timespec='microseconds')}"
    return f"{prefix}_{hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]}"
