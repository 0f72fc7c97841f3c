"""Hospitals and skin clinics of a country or a box, asked of OpenStreetMap's Overpass API piece by piece.

What the server answers for a piece is kept in a folder at once, so that a download that was cut off goes on where it
stopped. Once an area has been taken in whole, `finish` notes up to which moment: the next time only what has changed
since is asked for.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

import httpx

from core.clinics.openstreetmap import SELECTORS
from core.clinics.places import country_called, places_in
from core.errors import Invalid, Unavailable

PIECE_DEGREES = 4
"""Side of a piece; a dense one (the Ruhr, the plain of the Ganges) is some thousand elements."""

TRIES = 5
LARGEST_ANSWER = 128 * 1024 * 1024
_PATIENCE = 300.0
_USER_AGENT = "DermTrail (clinic directory; asks a piece at a time)"
_BUSY = {429, 502, 503, 504}

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees."""


@dataclass(frozen=True)
class Area:
    """What is asked for: the pieces, all within `country` (ISO 3166-1 alpha-2) where there is one."""

    name: str
    pieces: tuple[Box, ...]
    country: str | None = None


def area_called(text: str) -> Area:
    """The area of "south,west,north,east" in degrees, or of a country by its English name or code. Raises Invalid."""
    code = country_called(text)
    if code:
        towns = places_in(code)
        if not towns:
            raise Invalid("No town of that country is known; give a box instead.")
        # The half degree around each town takes in whatever lies outside it.
        squares = {
            (floor((town.latitude + north) / PIECE_DEGREES), floor((town.longitude + east) / PIECE_DEGREES))
            for town in towns
            for north in (-0.5, 0.5)
            for east in (-0.5, 0.5)
        }
        return Area(code, tuple(_square(*square) for square in sorted(squares)), country=code)
    parts = text.split(",")
    try:
        south, west, north, east = map(float, parts)
    except ValueError:
        raise Invalid("Give a country, or a box as south,west,north,east in degrees.") from None
    if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
        raise Invalid("A box is south,west,north,east in degrees: south below north and west below east.")
    return Area(re.sub(r"[^0-9.-]+", "_", text), tuple(_cut((south, west, north, east))))


class Download:
    """The download of one area into `folder`, from the API at `url`. `wait` is how a pause is made."""

    def __init__(self, area: Area, *, url: str, folder: Path, wait: Callable[[float], object] = time.sleep) -> None:
        self.area = area
        self._url = url
        self._folder = folder / area.name
        self._wait = wait

    def pieces(self) -> Iterator[dict[str, Any]]:
        """The answer for each piece of the area in turn, from the folder where it lies there already.

        Raises Unavailable where the server does not answer, also when asked again later, or answers something else.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        since = self._since.read_text(encoding="ascii") if self._since.exists() else None
        with httpx.Client(timeout=_PATIENCE, headers={"User-Agent": _USER_AGENT}, follow_redirects=True) as client:
            for number, box in enumerate(self.area.pieces):
                kept = self._folder / f"{number}.json"
                if not kept.exists():
                    answer = self._ask(client, _query(box, country=self.area.country, since=since))
                    whole = kept.with_suffix(".part")
                    whole.write_text(json.dumps(answer), encoding="utf-8")
                    whole.replace(kept)
                yield json.loads(kept.read_text(encoding="utf-8"))

    def finish(self) -> None:
        """Note up to which moment the area is known, and remove the answers."""
        moments = []
        for kept in self._folder.glob("*.json"):
            moments.append(str(json.loads(kept.read_text(encoding="utf-8")).get("osm3s", {}).get("timestamp_osm_base")))
            kept.unlink()
        # The oldest: what changed while the pieces came in is asked for again.
        moment = min(moments, default="")
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment):
            self._since.write_text(moment, encoding="ascii")

    @property
    def _since(self) -> Path:
        return self._folder / "since.txt"

    def _ask(self, client: httpx.Client, query: str) -> dict[str, Any]:
        reason = "it does not answer"
        for attempt in range(TRIES):
            if attempt:
                self._wait(2.0**attempt * 2)
            try:
                with client.stream("POST", self._url, data={"data": query}) as response:
                    if response.status_code in _BUSY:
                        reason = f"it is busy ({response.status_code})"
                        continue
                    if response.status_code != httpx.codes.OK:
                        raise Unavailable(f"The Overpass server refused the question ({response.status_code}).")
                    return _checked(_received(response))
            except httpx.TransportError:
                reason = "it does not answer"
        raise Unavailable(f"The Overpass server could not be asked: {reason}. Run the same command again to go on.")


def _received(response: httpx.Response) -> bytes:
    received = bytearray()
    for chunk in response.iter_bytes():
        received += chunk
        if len(received) > LARGEST_ANSWER:
            raise Unavailable("The Overpass server answered with more than a piece can hold.")
    return bytes(received)


def _checked(received: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(received)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
        raise Unavailable("The Overpass server answered something that is not an answer.")
    if remark := answer.get("remark"):
        # It says so within a well-formed answer that it ran out of time or memory half-way.
        raise Unavailable(f"The Overpass server gave up: {str(remark)[:200]}")
    return answer


def _query(box: Box, *, country: str | None, since: str | None) -> str:
    bounds = f"({','.join(f'{degrees:g}' for degrees in box)})"
    within = "(area.country)" if country else ""
    newer = f'(newer:"{since}")' if since else ""
    lines = [f"nwr{selector}{within}{newer}{bounds};" for selector in SELECTORS]
    area = f'area["ISO3166-1"="{country}"]["admin_level"="2"]->.country;' if country else ""
    return f"[out:json][timeout:180];{area}({''.join(lines)});out center tags;"


def _square(row: int, column: int) -> Box:
    south, west = row * PIECE_DEGREES, column * PIECE_DEGREES
    return max(south, -90), max(west, -180), min(south + PIECE_DEGREES, 90), min(west + PIECE_DEGREES, 180)


def _cut(box: Box) -> Iterator[Box]:
    south, west, north, east = box
    rows, columns = ceil((north - south) / PIECE_DEGREES), ceil((east - west) / PIECE_DEGREES)
    for row in range(rows):
        for column in range(columns):
            low, left = south + row * PIECE_DEGREES, west + column * PIECE_DEGREES
            yield low, left, min(low + PIECE_DEGREES, north), min(left + PIECE_DEGREES, east)
