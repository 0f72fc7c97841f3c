"""What the directory holds before anybody has added to it.

Each entry of the starting list names the page that says that there is such a place, as that page was stored and read on
`checked_on`; what no page confirmed was left out. Most pages give no more than name and town, so the position is the
town's (GeoNames) where `position_approximate` says so, and many telephone numbers are missing. Nobody called or went
there: an administrator should confirm an entry before people are sent.
"""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from core.clinics.kind import ClinicKind

_STARTING_LIST = Path(__file__).parent / "starting_list.csv"


@dataclass(frozen=True)
class ClinicEntry:
    """A clinic outside the database; the fields are those of `core.records.tables.Clinic`.

    `latitude` and `longitude` are WGS 84 degrees, `country` is ISO 3166-1 alpha-2, `opening_hours` is in
    OpenStreetMap's notation where the entry came from there, `source` is the page that says so, `source_key` what the
    source calls the entry (such as "osm:node/240082350"), and `checked_on` the day on which somebody last confirmed it.
    """

    name: str
    kind: ClinicKind
    country: str
    city: str
    latitude: float
    longitude: float
    position_approximate: bool
    address: str | None = None
    phone: str | None = None
    website: str | None = None
    opening_hours: str | None = None
    source: str | None = None
    checked_on: date | None = None
    source_key: str | None = None


@cache
def starting_list() -> tuple[ClinicEntry, ...]:
    """The clinics that DermTrail brings along, in the order of the file."""
    with _STARTING_LIST.open(encoding="utf-8", newline="") as file:
        return tuple(_entry(row) for row in csv.DictReader(file))


def _entry(row: dict[str, str]) -> ClinicEntry:
    return ClinicEntry(
        name=row["name"],
        kind=ClinicKind(row["kind"]),
        country=row["country"],
        city=row["city"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        position_approximate=row["position_approximate"] == "true",
        address=row["address"] or None,
        phone=row["phone"] or None,
        website=row["website"] or None,
        source=row["source"] or None,
        checked_on=date.fromisoformat(row["checked_on"]) if row["checked_on"] else None,
    )
