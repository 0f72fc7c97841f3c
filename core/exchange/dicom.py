"""Images as DICOM objects, one file an image: dermoscopic ones as Dermoscopic Photography Image (PS3.3 C.8.12.13),
the others as VL Photographic Image.

Pixels are kept as they are: uncompressed RGB, which every viewer reads. A visit is a study; within it a lesion's images
of one modality are a series.
UIDs are stable (`core.exchange.uids`). What the clinic does not record, such as polarisation or magnification, stays
empty, as the standard has it for what is unknown.
"""

import io
from datetime import datetime

import pydicom
from PIL import Image as Picture
from PIL import ImageCms
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import (
    DermoscopicPhotographyImageStorage,
    ExplicitVRLittleEndian,
    VLPhotographicImageStorage,
)

from core.exchange.uids import dicom_uid
from core.records.tables import Image, Lesion, Patient
from core.records.terms import BodySite, ImageType, Laterality, Sex

MANUFACTURER = "DermTrail"

_SEXES = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "O", Sex.UNKNOWN: ""}
_SIDES = {Laterality.LEFT: "L", Laterality.RIGHT: "R", Laterality.MIDLINE: "U"}

_REGIONS: dict[BodySite, Code] = {
    BodySite.HEAD_AND_NECK: codes.SCT.HeadAndNeck,
    BodySite.TRUNK: codes.SCT.Trunk,
    BodySite.UPPER_EXTREMITY: codes.SCT.UpperLimb,
    BodySite.LOWER_EXTREMITY: codes.SCT.LowerLimb,
    # DICOM has no code for the whole region; skin is true of all of it.
    BodySite.ANOGENITAL_REGION: codes.SCT.Skin,
}
"""Codes of SNOMED CT as DICOM itself lists them (PS3.16), taken from pydicom's copy."""


def dicom_file(image: Image, patient: Patient, pixels: Picture.Image) -> bytes:
    """The image as a DICOM file. `image` comes with its visit and lesion; `pixels` are mode RGB."""
    dermoscopic = image.image_type is ImageType.DERMOSCOPIC
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = DermoscopicPhotographyImageStorage if dermoscopic else VLPhotographicImageStorage
    # Of the lesion too: an image that was moved is another instance, for its series is another.
    dataset.SOPInstanceUID = dicom_uid(f"image/{image.lesion.id}", image.id, patient.created_at)
    _add_patient(dataset, patient)
    _add_study_and_series(dataset, image, patient)
    _add_equipment(dataset)
    _add_lesion(dataset, image.lesion)
    _add_pixels(dataset, pixels)
    if dermoscopic:
        _add_dermoscopy(dataset, image, patient)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def person_name(name: str) -> str:
    """A name as DICOM writes it, without its separators; nobody asked which part is the family's."""
    return " ".join(name.translate(str.maketrans("\\^=", "   ")).split())[:64]


def long_string(text: str) -> str:
    """A text as DICOM's LO holds it: at most 64 characters, no backslash, which would part two values."""
    return text.replace("\\", "/")[:64]


def _add_patient(dataset: Dataset, patient: Patient) -> None:
    dataset.PatientName = person_name(patient.name)
    dataset.PatientID = long_string(patient.record_number)
    dataset.PatientBirthDate = f"{patient.birth_date:%Y%m%d}"
    dataset.PatientSex = _SEXES[patient.sex]


def _add_study_and_series(dataset: Dataset, image: Image, patient: Patient) -> None:
    visit, lesion = image.visit, image.lesion
    dataset.StudyInstanceUID = dicom_uid("visit", visit.id, patient.created_at)
    dataset.StudyDate, dataset.StudyTime = _date_and_time(visit.at)
    dataset.StudyID = f"V{visit.id}"
    dataset.StudyDescription = long_string(visit.reason)
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    # A series has one modality, so a lesion's dermoscopic images of a visit and the others are two.
    modality = "DMS" if image.image_type is ImageType.DERMOSCOPIC else "XC"
    dataset.Modality = modality
    dataset.SeriesInstanceUID = dicom_uid(f"series/{modality}/{visit.id}", lesion.id, patient.created_at)
    dataset.SeriesNumber = lesion.number
    dataset.SeriesDescription = long_string(f"{lesion.label} {lesion.place}: {image.image_type}")
    dataset.InstanceNumber = image.id
    dataset.ContentDate, dataset.ContentTime = _date_and_time(visit.at)
    dataset.PatientOrientation = None
    dataset.AcquisitionContextSequence = []


def _add_equipment(dataset: Dataset) -> None:
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = "DermTrail image export"
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = "1"


def _add_lesion(dataset: Dataset, lesion: Lesion) -> None:
    code = _REGIONS[lesion.body_site]
    region = Dataset()
    region.CodeValue = code.value
    region.CodingSchemeDesignator = code.scheme_designator
    region.CodeMeaning = code.meaning
    dataset.AnatomicRegionSequence = [region]
    if lesion.laterality:
        dataset.ImageLaterality = _SIDES[lesion.laterality]


def _add_pixels(dataset: Dataset, pixels: Picture.Image) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.height, pixels.width
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    # The upload may have been a JPEG: nothing was lost here, but nobody knows of before.
    dataset.LossyImageCompression = ""
    dataset.ICCProfile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    dataset.ColorSpace = "SRGB"
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)


def _add_dermoscopy(dataset: Dataset, image: Image, patient: Patient) -> None:
    dataset.LightSourcePolarization = None
    dataset.EmitterColorTemperature = None
    dataset.ContactMethod = None
    dataset.OpticalMagnificationFactor = None
    # Nobody has looked whether a tattoo or a scar shows: the cautious answer.
    dataset.RecognizableVisualFeatures = "YES"
    # Two images have no common place on the skin that anybody measured, so each has a frame of its own.
    dataset.FrameOfReferenceUID = dicom_uid("frame", image.id, patient.created_at)
    dataset.PositionReferenceIndicator = ""
    dataset.TrackingID = image.lesion.label
    dataset.TrackingUID = dicom_uid("lesion", image.lesion.id, patient.created_at)


def _date_and_time(moment: datetime) -> tuple[str, str]:
    here = moment.astimezone()
    return f"{here:%Y%m%d}", f"{here:%H%M%S}"
