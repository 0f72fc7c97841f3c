"""What OpenStreetMap says of hospitals and skin clinics, as entries of the directory.

The data are © OpenStreetMap contributors, under the Open Database License (openstreetmap.org/copyright): whoever shows
them says so. Tags: https://wiki.openstreetmap.org/wiki/Key:healthcare and Key:healthcare:speciality.
"""

import re
from collections.abc import Mapping
from typing import Any

from core.clinics.entries import LONGEST, ReadEntries
from core.clinics.kind import ClinicKind

ATTRIBUTION = "© OpenStreetMap contributors, Open Database License, openstreetmap.org/copyright"

_SKIN = {"dermatology", "dermatovenereology", "venereology", "dermatologist", "skin"}
_CANCER = {"oncology", "radiotherapy", "radiation_oncology", "oncologist"}
_CANCER_NAMES = re.compile(r"cancer|oncolog|onkolog|oncológ|oncològ|krebs|kanker|cáncer|câncer|онколог", re.IGNORECASE)

# Elements that the query asks for; `healthcare` alone would bring every pharmacy.
SELECTORS = (
    '["healthcare:speciality"~"dermato|venereology|oncolog|radiotherapy"]',
    '["healthcare"="dermatologist"]',
    '["amenity"="hospital"]',
    '["healthcare"="hospital"]',
)


def entries(answer: Mapping[str, Any]) -> ReadEntries:
    """The clinics in an answer of the Overpass API (`out center tags`), with a fault for each that cannot be kept."""
    read = ReadEntries()
    for element in answer["elements"]:
        if not isinstance(element, dict) or not isinstance(element.get("tags"), dict):
            continue
        tags = {str(key): str(value) for key, value in element["tags"].items()}
        centre = element.get("center", element)
        name = f"{element.get('type')}/{element.get('id')}"
        position = {axis: repr(centre.get(short)) for axis, short in (("latitude", "lat"), ("longitude", "lon"))}
        read.add(f"OpenStreetMap {name}", said_by(tags, element=name) | position)
    return read


def said_by(tags: Mapping[str, str], *, element: str) -> dict[str, str | None]:
    """The fields of an entry, but its position, from an element's tags; `element` is such as "node/240082350"."""
    street = " ".join(part for part in (tags.get("addr:housenumber"), tags.get("addr:street")) if part)
    return {
        "name": tags.get("name") or tags.get("official_name") or tags.get("name:en"),
        "kind": _kind(tags),
        "country": tags.get("addr:country"),
        "city": tags.get("addr:city"),
        "address": tags.get("addr:full") or street or None,
        "phone": _first(tags.get("phone") or tags.get("contact:phone")),
        "website": _fitting("website", tags.get("website") or tags.get("contact:website")),
        "opening_hours": _fitting("opening_hours", tags.get("opening_hours")),
        "source": f"https://www.openstreetmap.org/{element}",
        "source_key": f"osm:{element}",
    }


def _kind(tags: Mapping[str, str]) -> str | None:
    """A kind for what has to do with skin, cancer or is a hospital; None for anything else."""
    specialities = set(re.split(r"\s*;\s*", tags.get("healthcare:speciality", "").casefold()))
    specialities |= {tags.get("healthcare", "").casefold()}
    hospital = "hospital" in (tags.get("amenity"), tags.get("healthcare"))
    known = specialities - {"", "hospital", "clinic", "doctor", "centre", "yes"}
    cancer, skin = bool(known & _CANCER), bool(known & _SKIN)
    # A general hospital names oncology among many others; it is a cancer centre where that is what it is for.
    if _CANCER_NAMES.search(tags.get("name", "")) or (cancer and (not hospital or known <= _CANCER)):
        return ClinicKind.CANCER_CENTRE
    if skin and (not hospital or known <= _SKIN):
        return ClinicKind.DERMATOLOGY
    return ClinicKind.HOSPITAL if hospital else None


def _first(listed: str | None) -> str | None:
    """The first of several values; OpenStreetMap lists them with semicolons."""
    return _fitting("phone", (listed or "").split(";")[0].strip() or None)


def _fitting(field: str, text: str | None) -> str | None:
    """`text` unless it is longer than the directory keeps: a clinic without it is better than none."""
    return text if text and len(text) <= LONGEST[field] else None
