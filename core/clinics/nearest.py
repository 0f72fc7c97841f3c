"""Which clinics are nearest, along the surface of the earth.

Positions are compared as points on a unit sphere, by the straight line between them (the chord). The chord grows with
the great-circle distance, so the order is right across the date line and at the poles, where differences of degrees
mislead. The distance in kilometres is the haversine formula in that form: 2 R asin(chord / 2).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, overload

import numpy as np
import numpy.typing as npt

from core.clinics.kind import ClinicKind
from core.errors import Invalid

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG, R1)."""


class Located(Protocol):
    """Anything of a kind that stands somewhere; `core.records.tables.Clinic` and `ClinicEntry` do."""

    @property
    def kind(self) -> ClinicKind: ...
    @property
    def latitude(self) -> float: ...
    @property
    def longitude(self) -> float: ...


C = TypeVar("C", bound=Located)
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Near(Generic[C]):
    """A clinic and how far it is, in kilometres as the crow flies."""

    clinic: C
    distance_km: float


class ClinicIndex(Sequence[C]):
    """Clinics prepared for many questions: the sequence of them, with a tree of their positions for each kind.

    It keeps the positions as they were when it was made. Of 100,000 clinics the nearest ten are found in well under a
    millisecond; making the trees takes a tenth of a second (tests/unit/test_clinics_nearest.py).
    """

    def __init__(self, clinics: Sequence[C]) -> None:
        # Loading it takes a second and more, which neither the server's start nor most commands should wait for.
        from scipy.spatial import cKDTree  # noqa: PLC0415

        self._clinics = tuple(clinics)
        self._points = on_sphere(
            np.array([clinic.latitude for clinic in self._clinics], dtype=np.float64),
            np.array([clinic.longitude for clinic in self._clinics], dtype=np.float64),
        )
        numbers: dict[str, list[int]] = {}
        for number, clinic in enumerate(self._clinics):
            numbers.setdefault(clinic.kind, []).append(number)
        self._trees = {kind: (np.array(of_kind), cKDTree(self._points[of_kind])) for kind, of_kind in numbers.items()}

    @overload
    def __getitem__(self, which: int) -> C: ...
    @overload
    def __getitem__(self, which: slice) -> tuple[C, ...]: ...
    def __getitem__(self, which: int | slice) -> C | tuple[C, ...]:
        """The clinic of that number, in the order in which they were given."""
        return self._clinics[which]

    def __len__(self) -> int:
        """How many clinics there are."""
        return len(self._clinics)

    def nearest(
        self, *, latitude: float, longitude: float, limit: int, kinds: Collection[ClinicKind] | None = None
    ) -> list[Near[C]]:
        """At most `limit` clinics of `kinds` (None: of any), nearest first; of two as far, the earlier one given.

        Raises Invalid where the position is none on earth.
        """
        check_position(latitude=latitude, longitude=longitude)
        here = on_sphere(np.array([latitude]), np.array([longitude]))[0]
        found: list[int] = []
        for kind, (numbers, tree) in self._trees.items():
            if limit > 0 and (kinds is None or kind in kinds):
                chords, _ = tree.query(here, k=[min(limit, len(numbers))])
                # All that are as far as the last one, since the tree leaves it open which of them it names.
                found += numbers[tree.query_ball_point(here, chords[-1] * (1 + 1e-9) + 1e-12)].tolist()
        kilometres = self._kilometres(here, found)
        order = sorted(range(len(found)), key=lambda at: (kilometres[at], found[at]))
        return [Near(self._clinics[found[at]], float(kilometres[at])) for at in order[:limit]]

    def within(self, *, latitude: float, longitude: float, kilometres: float) -> list[C]:
        """Every clinic that is no farther, in the order in which they were given."""
        here = on_sphere(np.array([latitude]), np.array([longitude]))[0]
        chord = 2 * math.sin(min(kilometres / EARTH_RADIUS_KM, math.pi) / 2)
        found: list[int] = []
        for numbers, tree in self._trees.values():
            found += numbers[tree.query_ball_point(here, chord)].tolist()
        return [self._clinics[number] for number in sorted(found)]

    def _kilometres(self, here: Array, found: list[int]) -> Array:
        half_chords = np.sqrt(((self._points[found] - here) ** 2).sum(axis=1)) / 2
        kilometres: Array = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(half_chords, 1))
        return kilometres


def nearest(
    clinics: Sequence[C],
    *,
    latitude: float,
    longitude: float,
    limit: int,
    kinds: Collection[ClinicKind] | None = None,
) -> list[Near[C]]:
    """As `ClinicIndex.nearest`. Quick where `clinics` is such an index; of any other sequence one is made first."""
    index = clinics if isinstance(clinics, ClinicIndex) else ClinicIndex(clinics)
    return index.nearest(latitude=latitude, longitude=longitude, limit=limit, kinds=kinds)


def check_position(*, latitude: float, longitude: float) -> None:
    """Raise Invalid unless these are degrees of a place on earth (a longitude may be given past 180)."""
    if not -90 <= latitude <= 90:
        raise Invalid("A latitude lies between -90 and 90 degrees.", field="latitude")
    if not -360 <= longitude <= 360:
        raise Invalid("A longitude lies between -180 and 180 degrees.", field="longitude")


def on_sphere(latitudes: Array, longitudes: Array) -> Array:
    """From degrees [N] and [N] to points [N, 3] on the unit sphere."""
    phi, lam = np.radians(latitudes), np.radians(longitudes)
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), axis=1)
