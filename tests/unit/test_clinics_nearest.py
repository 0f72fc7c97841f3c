"""Which clinics are nearest, where degrees mislead as well."""

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clinics.kind import ClinicKind
from core.clinics.nearest import EARTH_RADIUS_KM, ClinicIndex, nearest
from core.errors import Invalid


@dataclass(frozen=True)
class Spot:
    name: str
    latitude: float
    longitude: float
    kind: ClinicKind = ClinicKind.HOSPITAL


def _names(found: list) -> list[str]:
    return [near.clinic.name for near in found]


def test_distance_between_known_towns() -> None:
    # Chennai to Bengaluru is about 290 km, to London about 8,220 km (great circle between the town centres).
    towns = [Spot("London", 51.5074, -0.1278), Spot("Bengaluru", 12.9716, 77.5946)]
    found = nearest(towns, latitude=13.0827, longitude=80.2707, limit=5)
    assert _names(found) == ["Bengaluru", "London"]
    assert found[0].distance_km == pytest.approx(290, abs=2)
    assert found[1].distance_km == pytest.approx(8223, abs=15)


def test_across_the_date_line() -> None:
    spots = [Spot("Samoa", -13.83, -171.77), Spot("Sydney", -33.87, 151.21), Spot("Suva", -18.14, 178.44)]
    assert _names(nearest(spots, latitude=-16.0, longitude=-179.9, limit=2)) == ["Suva", "Samoa"]
    # The same place named by its other longitude has the same neighbours at the same distance.
    west = nearest(spots, latitude=-16.0, longitude=-179.9, limit=3)
    east = nearest(spots, latitude=-16.0, longitude=180.1, limit=3)
    assert [near.distance_km for near in west] == pytest.approx([near.distance_km for near in east])


def test_at_the_poles_the_longitude_does_not_matter() -> None:
    spots = [Spot("Svalbard", 78.22, 15.65), Spot("Alert", 82.5, -62.35)]
    for longitude in (-180, -90, 0, 15.65, 180):
        found = nearest(spots, latitude=90, longitude=longitude, limit=2)
        assert _names(found) == ["Alert", "Svalbard"]
        assert found[0].distance_km == pytest.approx(math.radians(90 - 82.5) * EARTH_RADIUS_KM)


def test_kinds_and_limit() -> None:
    spots = [
        Spot("near hospital", 0.1, 0),
        Spot("cancer centre", 0.5, 0, ClinicKind.CANCER_CENTRE),
        Spot("skin clinic", 1, 0, ClinicKind.DERMATOLOGY),
        Spot("far hospital", 2, 0),
    ]
    index = ClinicIndex(spots)
    assert _names(index.nearest(latitude=0, longitude=0, limit=2)) == ["near hospital", "cancer centre"]
    wanted = {ClinicKind.CANCER_CENTRE, ClinicKind.DERMATOLOGY}
    assert _names(index.nearest(latitude=0, longitude=0, limit=9, kinds=wanted)) == ["cancer centre", "skin clinic"]
    assert index.nearest(latitude=0, longitude=0, limit=3, kinds=[]) == []
    assert nearest([], latitude=0, longitude=0, limit=3) == []


@pytest.mark.parametrize(("latitude", "longitude"), [(91, 0), (-90.5, 0), (float("nan"), 0), (0, 400), (0, math.inf)])
def test_a_position_that_is_none(latitude: float, longitude: float) -> None:
    with pytest.raises(Invalid):
        nearest([Spot("anywhere", 0, 0)], latitude=latitude, longitude=longitude, limit=1)


def test_ten_of_a_hundred_thousand_in_under_five_milliseconds() -> None:
    rng = np.random.default_rng(4)
    latitudes = np.degrees(np.arcsin(rng.uniform(-1, 1, 100_000)))
    kinds = list(ClinicKind)
    spots = [
        Spot("", float(north), float(east), kinds[number % 3])
        for number, (north, east) in enumerate(zip(latitudes, rng.uniform(-180, 180, 100_000), strict=True))
    ]
    index, taken = ClinicIndex(spots), []
    for spot in spots[:50]:
        start = perf_counter()
        found = nearest(index, latitude=spot.latitude, longitude=180.0, limit=10)
        taken.append(perf_counter() - start)
        assert len(found) == 10
    assert sorted(taken)[25] < 0.005


def test_of_two_as_far_the_earlier_and_the_index_is_the_sequence() -> None:
    spots = [Spot(str(number), 10, 20) for number in range(7)]
    index = ClinicIndex(spots)
    assert _names(index.nearest(latitude=10, longitude=20, limit=3)) == ["0", "1", "2"]
    assert list(index) == spots and len(index) == 7 and index[-1] is spots[6]
    assert index.nearest(latitude=10, longitude=20, limit=0) == []


degrees_north = st.floats(-90, 90)
degrees_east = st.floats(-180, 180)


@given(st.lists(st.tuples(degrees_north, degrees_east), min_size=1, max_size=30), degrees_north, degrees_east)
def test_agrees_with_the_haversine_formula(
    places: list[tuple[float, float]], latitude: float, longitude: float
) -> None:
    def haversine(to: Spot) -> float:
        phi1, phi2 = math.radians(latitude), math.radians(to.latitude)
        half = math.sin((phi2 - phi1) / 2) ** 2
        half += math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(to.longitude - longitude) / 2) ** 2
        return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1, half)))

    spots = [Spot(str(number), *place) for number, place in enumerate(places)]
    found = nearest(spots, latitude=latitude, longitude=longitude, limit=5)
    assert len(found) == min(5, len(spots))
    # Near the antipode a rounding of 1e-16 is worth about a metre.
    assert [near.distance_km for near in found] == pytest.approx(sorted(map(haversine, spots))[:5], abs=0.01)
