"""Which clinics of two lists are one and the same: nearly the same name, at nearly the same place."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from rapidfuzz import fuzz

from core.clinics.nearest import ClinicIndex, Located

SAME_PLACE_KM = 1.0
"""Two entries for one hospital differ by its grounds: a node at the gate, an outline's middle."""

SAME_TOWN_KM = 25.0
"""Where the position of one of two entries is only the town's."""

_SAME_WORD = 75.0

SAME_NAME = 90.0
"""Least likeness of two names, by rapidfuzz's token_sort_ratio."""


class Named(Located, Protocol):
    """What is compared; `core.records.tables.Clinic` and `ClinicEntry` have it."""

    @property
    def name(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def position_approximate(self) -> bool: ...


N = TypeVar("N", bound=Named)


class Matcher(Generic[N]):
    """Finds, for a clinic, those among others that are the same one."""

    def __init__(self, clinics: Sequence[N]) -> None:
        self._all = ClinicIndex(clinics)
        self._approximate = ClinicIndex([clinic for clinic in clinics if clinic.position_approximate])
        self._names = {id(clinic): plain_name(clinic.name) for clinic in clinics}

    def same(self, clinic: Named) -> list[N]:
        """Those that are the same as `clinic`, the most likely first."""
        at = {"latitude": clinic.latitude, "longitude": clinic.longitude}
        near = {id(other): other for other in self._all.within(**at, kilometres=SAME_PLACE_KM)}
        wider = self._all if clinic.position_approximate else self._approximate
        for other in wider.within(**at, kilometres=SAME_TOWN_KM):
            if other.country == clinic.country:
                near[id(other)] = other
        wanted = plain_name(clinic.name)
        likeness = {key: _likeness(wanted, self._names[key]) for key in near}
        found = [other for key, other in near.items() if likeness[key] >= SAME_NAME]
        return sorted(found, key=lambda other: -likeness[id(other)])


def _likeness(one: str, other: str) -> float:
    """From 0 to 100; 0 for names that tell themselves apart by a number, and for names without a letter."""
    if not one or re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return 0.0
    mine, theirs = set(one.split()) - set(other.split()), set(other.split()) - set(one.split())
    # One word of a long name may be all that tells two apart (the university hospitals of Köln and of Bonn): words that
    # stand for each other have to resemble each other as well.
    if mine and theirs and max(fuzz.ratio(a, b) for a in mine for b in theirs) < _SAME_WORD:
        return 0.0
    return fuzz.token_sort_ratio(one, other)


def plain_name(name: str) -> str:
    """A name without capitals, accents and punctuation, with one spelling for what is spelt in two ways."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(letter for letter in letters if not "\u0300" <= letter <= "\u036f")
    words = re.sub(r"[^\w\u0900-\u0dff\u0e00-\u0eff]+", " ", letters.replace("&", " and ")).split()
    return " ".join({"center": "centre", "the": ""}.get(word, word) for word in words).strip()
