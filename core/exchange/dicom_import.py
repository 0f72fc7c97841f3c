"""DICOM photographs into a chart, through the same intake as any upload."""

import io

import numpy as np
import pydicom
from PIL import Image as Picture
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    DermoscopicPhotographyImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    VLPhotographicImageStorage,
)
from rapidfuzz import fuzz

from core.errors import OtherPatient, UnreadableImage
from core.exchange.dicom import long_string
from core.records import images, visits
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.images import Intake
from core.records.patients import SIMILAR_NAMES
from core.records.search_terms import fold
from core.records.tables import Image, Patient
from core.records.terms import ImageType
from core.vision.intake import IntakeLimits

_KINDS = {
    DermoscopicPhotographyImageStorage: ImageType.DERMOSCOPIC,
    VLPhotographicImageStorage: ImageType.CLOSE_UP,
    SecondaryCaptureImageStorage: ImageType.CLOSE_UP,
    MultiFrameTrueColorSecondaryCaptureImageStorage: ImageType.CLOSE_UP,
}
"""The kinds of DICOM object that a dermatoscope or a camera makes."""

_COLOURS = ("RGB", "MONOCHROME2", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
"""What pydicom turns into RGB or grey, brighter for higher values."""


def is_dicom(data: bytes) -> bool:
    """Whether a file begins as DICOM files do (PS3.10, 7.1)."""
    return data[128:132] == b"DICM"


@requires(Permission.WRITE_CHART)
def import_dicom(
    database: Database,
    actor: Actor,
    *,
    intake: Intake,
    visit_id: int,
    lesion_id: int,
    data: bytes,
    image_type: ImageType | None = None,
    although_other_patient: bool = False,
    although_elsewhere: bool = False,
) -> Image:
    """Take a DICOM file into a visit and a lesion. The image type is the file's own, unless it is given.

    Raises OtherPatient where the file does not name the visit's patient by number, name and date of birth, unless
    `although_other_patient` says that somebody has looked; UnreadableImage for what is no single photograph; and
    whatever `images.add_image` raises.
    """
    dataset = _dataset(data, intake.limits)
    visit = visits.get_visit(database, actor, visit_id=visit_id)
    if not although_other_patient and (differing := _differing(dataset, visit.patient)):
        raise OtherPatient(f"This DICOM file is of another patient, or does not say of whom: its {differing} differs.")
    return images.add_image(
        database,
        actor,
        intake=intake,
        visit_id=visit_id,
        lesion_id=lesion_id,
        data=_png(dataset),
        image_type=image_type or _KINDS[dataset.SOPClassUID],
        although_elsewhere=although_elsewhere,
    )


def _dataset(data: bytes, limits: IntakeLimits) -> Dataset:
    if not is_dicom(data):
        raise UnreadableImage("This is not a DICOM file.")
    if len(data) > limits.max_bytes + 3 * limits.max_pixels:
        raise UnreadableImage("The file is larger than the limit.")
    # What pydicom raises for damaged bytes is not listed anywhere, as with any decoder (core.vision.intake).
    try:
        dataset = pydicom.dcmread(io.BytesIO(data))
        kind, frames = dataset.SOPClassUID, int(dataset.get("NumberOfFrames") or 1)
        pixels = int(dataset.Rows) * int(dataset.Columns)
    except Exception as error:
        raise UnreadableImage("This DICOM file is damaged, or holds no picture.") from error
    if kind not in _KINDS:
        raise UnreadableImage(f"This DICOM object is no photograph: it is {kind.name}.")
    if frames != 1:
        raise UnreadableImage(f"This DICOM object holds {frames} pictures. Please export the one you need.")
    # Judged before anything is decoded: a few bytes can stand for a gigabyte of pixels.
    if pixels > limits.max_pixels:
        raise UnreadableImage(f"This image has more than {limits.max_pixels / 1e6:g} megapixels, which is the limit.")
    return dataset


def _png(dataset: Dataset) -> bytes:
    """The pixels as a lossless file for the intake, with the colour profile that they came with."""
    try:
        pixels = pixel_array(dataset)
    except Exception as error:
        raise UnreadableImage("The pixels of this DICOM file cannot be decoded.") from error
    if pixels.dtype != np.uint8 or dataset.PhotometricInterpretation not in _COLOURS:
        raise UnreadableImage("This DICOM file is no 8-bit colour photograph.")
    file = io.BytesIO()
    profile = dataset.get("ICCProfile")
    picture = Picture.fromarray(np.ascontiguousarray(pixels))
    picture.save(file, "PNG", compress_level=1, **({"icc_profile": bytes(profile)} if profile else {}))
    return file.getvalue()


def _differing(dataset: Dataset, patient: Patient) -> str | None:
    """In which respect a file does not name `patient`, if in any. Another hospital's numbers may be equal to ours."""
    if str(dataset.get("PatientID", "")).strip() != long_string(patient.record_number).strip():
        return "record number"
    if str(dataset.get("PatientBirthDate", "")) != f"{patient.birth_date:%Y%m%d}":
        return "date of birth"
    name = fold(str(dataset.get("PatientName", "")).replace("^", " ").replace("=", " "))
    if fuzz.token_sort_ratio(name, fold(patient.name)) < SIMILAR_NAMES:
        return "name"
    return None
