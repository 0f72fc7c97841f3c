"""A file of clinics, read: CSV, GeoJSON, or what OpenStreetMap's Overpass API answered."""

import csv
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.clinics import openstreetmap
from core.clinics.entries import ReadEntries
from core.clinics.matching import plain_name
from core.errors import Invalid

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes; the hospitals of the whole world in OpenStreetMap are less."""

NEEDED = ("name", "kind", "latitude", "longitude")
_ALSO_CALLED = {
    "lat": "latitude",
    "lon": "longitude",
    "lng": "longitude",
    "long": "longitude",
    "type": "kind",
    "town": "city",
    "web": "website",
    "url": "website",
    "telephone": "phone",
    "hours": "opening_hours",
    "id": "source_key",
}


def read_clinics(path: Path) -> ReadEntries:
    """The clinics in a file, its form told by what it holds. Raises Invalid where it is none of ours.

    Needed of each: name, kind, latitude, longitude; understood: city, country, address, phone, website, opening_hours,
    source, source_key (or id), position_approximate, checked_on. Raises OSError where the file cannot be read.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise Invalid(f"The file is larger than {LARGEST_FILE // 1024**2} MB.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"The file is not in UTF-8 (byte {error.start + 1}).") from None
    if "\0" in text:
        raise Invalid("The file is no text.")
    read = _from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_csv(text)
    if not read.entries and not read.faults:
        raise Invalid("There is no clinic in the file.")
    return read


def _from_csv(text: str) -> ReadEntries:
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        names = [_field(name) for name in rows.fieldnames or ()]
        if missing := [name for name in NEEDED if name not in names]:
            raise Invalid(f"Columns are missing: {', '.join(missing)}.")
        if len(set(names)) < len(names):
            raise Invalid("Two columns have the same name.")
        rows.fieldnames = names
        read = ReadEntries()
        for row in rows:
            where = f"Line {rows.line_num}"
            if None in row:
                read.faults.append(f"{where}: There are more values than columns.")
            else:
                read.add(where, _keyed(row))
    except csv.Error as error:
        raise Invalid(f"Line {rows.line_num + 1} is no CSV: {error}.") from error
    return read


def _from_json(text: str) -> ReadEntries:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("The file is no JSON.") from None
    if isinstance(content, dict) and isinstance(content.get("elements"), list):
        return openstreetmap.entries(content)
    if isinstance(content, dict) and isinstance(content.get("features"), list):
        read = ReadEntries()
        for number, feature in enumerate(content["features"], start=1):
            _add_feature(read, f"Feature {number}", feature)
        return read
    raise Invalid("The JSON is neither GeoJSON (a FeatureCollection) nor an answer of the Overpass API.")


def _add_feature(read: ReadEntries, where: str, feature: Any) -> None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    position = _centre(feature.get("geometry")) if isinstance(feature, dict) else None
    if not isinstance(properties, dict) or position is None:
        read.faults.append(f"{where}: It has no properties or no position.")
        return
    texts = {name: str(value) for name, value in properties.items() if isinstance(value, str | int | float)}
    said: dict[str, str | None] = {"longitude": repr(position[0]), "latitude": repr(position[1])}
    # overpass-turbo writes the tags of OpenStreetMap as properties and the element as "@id".
    name = texts.get("@id") or str(feature.get("id") or "")
    if name.startswith(("node/", "way/", "relation/")):
        read.add(where, openstreetmap.said_by(texts, element=name) | said)
    else:
        fields = {_field(key): value for key, value in texts.items()}
        read.add(where, _keyed({"source_key": name or None} | fields | said))


def _keyed(said: Mapping[str, str | None]) -> dict[str, str | None]:
    """With the key under which this clinic is found again: the file's own, or else what its name and place say."""
    own = (said.get("source_key") or "").strip()
    if not own:
        with suppress(ValueError):
            latitude, longitude = float(said.get("latitude") or ""), float(said.get("longitude") or "")
            own = f"{plain_name(said.get('name') or '')[:200]}@{latitude:.2f},{longitude:.2f}"
    return {**said, "source_key": own if own.startswith("osm:") else f"file:{own}" if own else None}


def _centre(geometry: Any) -> tuple[float, float] | None:
    """Longitude and latitude in the middle of a GeoJSON geometry's bounds; None where it has no position."""
    try:
        points = list(_positions(geometry["coordinates"]))
        longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
        return (min(longitudes) + max(longitudes)) / 2, (min(latitudes) + max(latitudes)) / 2
    except (TypeError, KeyError, IndexError, ValueError, RecursionError):
        return None


def _positions(coordinates: Any) -> Any:
    if isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
    else:
        for part in coordinates:
            yield from _positions(part)


def _field(name: str) -> str:
    plain = "_".join(name.strip().casefold().split())
    return _ALSO_CALLED.get(plain, plain)
