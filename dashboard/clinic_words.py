"""How a clinic is spoken of, on the map and in lists."""

from typing import Protocol
from urllib.parse import urlsplit

from core.clinics.kind import ClinicKind
from core.clinics.nearest import Located

KIND_TITLES = {
    ClinicKind.CANCER_CENTRE: "Cancer centre",
    ClinicKind.DERMATOLOGY: "Dermatology",
    ClinicKind.HOSPITAL: "Hospital",
}


class ListedClinic(Located, Protocol):
    """What is shown of a clinic; `core.records.tables.Clinic` and `ClinicEntry` have it."""

    @property
    def name(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def address(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def website(self) -> str | None: ...
    @property
    def opening_hours(self) -> str | None: ...
    @property
    def position_approximate(self) -> bool: ...


def distance_text(kilometres: float) -> str:
    """A distance as people say it: "under 1 km", "7 km", "1,240 km"."""
    return "under 1 km" if kilometres < 1 else f"{kilometres:,.0f} km"


def web_address(address: str | None) -> str | None:
    """The address if it is one of the web, else None: nothing else may become a link (javascript:, data:)."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.netloc else None
