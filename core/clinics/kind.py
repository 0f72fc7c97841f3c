"""What kinds of places the directory holds."""

from enum import StrEnum


class ClinicKind(StrEnum):
    """What a place in the directory of clinics is."""

    DERMATOLOGY = "dermatology"
    CANCER_CENTRE = "cancer centre"
    HOSPITAL = "hospital"
