"""In which form a chart leaves, and on what it is printed: light to import, unlike the libraries that do it."""

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """In which form a chart leaves."""

    PDF = "pdf"
    FHIR = "fhir"
    DICOM = "dicom"
    ISIC = "isic"
    ALL = "all"


class Paper(StrEnum):
    """What is in the printer."""

    A4 = "A4"
    LETTER = "Letter"


@dataclass(frozen=True)
class Letterhead:
    """What the clinic prints on: its name, and the paper in the printer."""

    clinic: str
    paper: Paper = Paper.A4
