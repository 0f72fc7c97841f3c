"""From what a file says of a clinic to an entry of the directory.

Every importer gives names and texts; what is missing of town and country is the nearest town's, and what cannot be
kept is refused with a sentence that says why.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.clinics.directory import ClinicEntry
from core.clinics.kind import ClinicKind, kind_called
from core.clinics.places import country_called, nearest_place
from core.errors import Invalid

LONGEST = {
    "name": 200,
    "city": 120,
    "address": 300,
    "phone": 40,
    "website": 300,
    "opening_hours": 255,
    "source": 300,
    "source_key": 300,
}
"""Characters that each text of an entry may have."""

_TRUE, _FALSE = {"true", "yes", "1", "y"}, {"false", "no", "0", "n", ""}
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(/.*)?")


@dataclass
class ReadEntries:
    """What a file held: entries that can be kept, and a sentence for each that cannot."""

    entries: list[ClinicEntry] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, where: str, said: Mapping[str, str | None]) -> None:
        """Add the entry that `said` describes, or a fault that begins with `where`, such as "Line 7"."""
        try:
            self.entries.append(entry_of(said))
        except Invalid as error:
            self.faults.append(f"{where}: {error}")


def entry_of(said: Mapping[str, str | None]) -> ClinicEntry:
    """The entry that these texts describe, by the names of its fields. Raises Invalid about the first fault.

    Name, kind, latitude and longitude are needed. Town and country, where they are missing, are those of the nearest
    town of more than 5,000 people.
    """
    texts = {name: clean(said.get(name), field=name) for name in LONGEST}
    name = texts.pop("name")
    if not name:
        raise Invalid("The name is missing.", field="name")
    kind = kind_called(said.get("kind") or "")
    if kind is None:
        raise Invalid(f"The kind is none of: {', '.join(ClinicKind)}.", field="kind")
    latitude = degrees(said.get("latitude"), field="latitude", most=90)
    longitude = degrees(said.get("longitude"), field="longitude", most=180)
    city, country = texts.pop("city"), _country(said.get("country"))
    if not (city and country):
        town = nearest_place(latitude=latitude, longitude=longitude)
        city, country = city or town.name, country or town.country
    texts["website"] = web_site(texts["website"])
    return ClinicEntry(
        name=name,
        kind=kind,
        country=country,
        city=city,
        latitude=latitude,
        longitude=longitude,
        position_approximate=_flag(said.get("position_approximate")),
        checked_on=_day(said.get("checked_on")),
        **texts,
    )


def clean(text: str | None, *, field: str) -> str | None:
    """`text` on one line, without control characters; None where nothing is left. Raises Invalid if too long."""
    composed = unicodedata.normalize("NFC", text or "")
    printable = "".join(c for c in composed if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs"))
    line = " ".join(printable.split())
    if len(line) > LONGEST[field]:
        raise Invalid(f"The {field.replace('_', ' ')} is longer than {LONGEST[field]} characters.", field=field)
    return line or None


def degrees(text: str | None, *, field: str, most: int) -> float:
    """A latitude or longitude, also with a decimal comma. Raises Invalid where it is none within `most` degrees."""
    try:
        value = float((text or "").strip().replace(",", "."))
    except ValueError:
        raise Invalid(f"The {field} is missing or no number.", field=field) from None
    if not -most <= value <= most:
        raise Invalid(f"A {field} lies between -{most} and {most} degrees.", field=field)
    return value


def web_site(address: str | None) -> str | None:
    """An address of the web, given a scheme where only that was missing; None for anything else (javascript:)."""
    if not address or " " in address:
        return None
    if re.match(r"https?://[^/]", address, re.IGNORECASE):
        return address
    return f"https://{address}" if _HOST.fullmatch(address) else None


def _country(name: str | None) -> str | None:
    if not (name or "").strip():
        return None
    code = country_called(name or "")
    if code is None:
        raise Invalid(f"No country is called {(name or '').strip()[:40]!r}.", field="country")
    return code


def _flag(text: str | None) -> bool:
    said = (text or "").strip().casefold()
    if said not in _TRUE | _FALSE:
        raise Invalid("Whether the position is approximate is said by true or false.", field="position_approximate")
    return said in _TRUE


def _day(text: str | None) -> date | None:
    if not (text or "").strip():
        return None
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        raise Invalid("A day is written as 2026-11-24.", field="checked_on") from None
