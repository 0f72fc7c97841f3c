"""What kinds of places the directory holds, and what others call them."""

import unicodedata
from enum import StrEnum


class ClinicKind(StrEnum):
    """What a place in the directory of clinics is."""

    DERMATOLOGY = "dermatology"
    CANCER_CENTRE = "cancer centre"
    HOSPITAL = "hospital"


_ALSO_CALLED = {
    "dermatologist": ClinicKind.DERMATOLOGY,
    "dermatology clinic": ClinicKind.DERMATOLOGY,
    "skin clinic": ClinicKind.DERMATOLOGY,
    "cancer": ClinicKind.CANCER_CENTRE,
    "cancer center": ClinicKind.CANCER_CENTRE,
    "cancer hospital": ClinicKind.CANCER_CENTRE,
    "cancer institute": ClinicKind.CANCER_CENTRE,
    "oncology": ClinicKind.CANCER_CENTRE,
}


def kind_called(name: str) -> ClinicKind | None:
    """The kind that is called `name` ("Cancer Center", "cancer_centre", "oncology"), or None."""
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").replace("-", " ").split())
    if plain in set(ClinicKind):
        return ClinicKind(plain)
    return _ALSO_CALLED.get(plain)
