"""Which clinics are nearest, along the surface of the earth.

Positions are compared as points on a unit sphere, by the straight line between them (the chord). The chord grows with
the great-circle distance, so the order is right across the date line and at the poles, where differences of degrees
mislead. The distance in kilometres is the haversine formula in that form: 2 R asin(chord / 2).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

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


class ClinicIndex(Generic[C]):
    """Clinics prepared for many questions; it keeps the positions as they were when it was made."""

    def __init__(self, clinics: Sequence[C]) -> None:
        self._clinics = tuple(clinics)
        self._points = _on_sphere(
            np.array([clinic.latitude for clinic in self._clinics], dtype=np.float64),
            np.array([clinic.longitude for clinic in self._clinics], dtype=np.float64),
        )
        self._kinds = np.array([clinic.kind for clinic in self._clinics], dtype=object)

    def nearest(
        self, *, latitude: float, longitude: float, limit: int, kinds: Collection[ClinicKind] | None = None
    ) -> list[Near[C]]:
        """At most `limit` clinics of `kinds` (None: of any), nearest first; of two as far, the earlier one given.

        Raises Invalid where the position is none on earth.
        """
        check_position(latitude=latitude, longitude=longitude)
        here = _on_sphere(np.array([latitude]), np.array([longitude]))[0]
        closeness = self._points @ here
        if kinds is not None:
            closeness[~np.isin(self._kinds, [str(kind) for kind in kinds])] = -np.inf
        chosen = np.arange(len(closeness))
        if limit < len(closeness):
            chosen = np.sort(np.argpartition(-closeness, limit)[:limit])
        chosen = chosen[closeness[chosen] > -np.inf]
        # The cosine is quick, but cannot tell two places a metre apart from each other; the chord can.
        half_chords = np.sqrt(((self._points[chosen] - here) ** 2).sum(axis=1)) / 2
        kilometres = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(half_chords, 1))
        return [Near(self._clinics[chosen[i]], float(kilometres[i])) for i in np.argsort(kilometres, kind="stable")]


def nearest(
    clinics: Sequence[C],
    *,
    latitude: float,
    longitude: float,
    limit: int,
    kinds: Collection[ClinicKind] | None = None,
) -> list[Near[C]]:
    """One question to `ClinicIndex`, which is quicker where there are several about the same clinics."""
    return ClinicIndex(clinics).nearest(latitude=latitude, longitude=longitude, limit=limit, kinds=kinds)


def check_position(*, latitude: float, longitude: float) -> None:
    """Raise Invalid unless these are degrees of a place on earth (a longitude may be given past 180)."""
    if not -90 <= latitude <= 90:
        raise Invalid("A latitude lies between -90 and 90 degrees.", field="latitude")
    if not -360 <= longitude <= 360:
        raise Invalid("A longitude lies between -180 and 180 degrees.", field="longitude")


def _on_sphere(latitudes: Array, longitudes: Array) -> Array:
    """From degrees [N] and [N] to points [N, 3] on the unit sphere."""
    phi, lam = np.radians(latitudes), np.radians(longitudes)
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), axis=1)
