"""Where a place is, by its name."""

from time import perf_counter

import pytest

from core.clinics.places import country_name, find_places, nearest_place, read_gazetteer
from core.errors import Invalid


@pytest.mark.parametrize(
    ("asked", "name", "country"),
    [
        ("Chennai", "Chennai", "IN"),
        ("madras", "Chennai", "IN"),
        ("  CHENNAI  ", "Chennai", "IN"),
        ("சென்னை", "Chennai", "IN"),
        ("मुंबई", "Mumbai", "IN"),
        ("القاهرة", "Cairo", "EG"),
        ("東京", "Tokyo", "JP"),
        ("Sao Paulo", "São Paulo", "BR"),
        ("Coimbatoor", "Coimbatore", "IN"),
        ("Thiruvananthapurm", "Thiruvananthapuram", "IN"),
        ("Paris", "Paris", "FR"),
        ("Paris, US", "Paris", "US"),
        ("Birmingham, United States", "Birmingham", "US"),
        ("Salem, Tamil Nadu, India", "Salem", "IN"),
        ("New Delhi", "New Delhi", "IN"),
        ("Salem India", "Salem", "IN"),
        ("Salem Tamil Nadu", "Salem", "IN"),
        ("सेलम", "Salem", "IN"),
        ("Paris, Texas", "Paris", "US"),
        ("Моква", "Moscow", "RU"),
    ],
)
def test_best_match(asked: str, name: str, country: str) -> None:
    best = find_places(asked, limit=3)[0]
    assert (best.name, best.country) == (name, country)


def test_position_and_title() -> None:
    chennai = find_places("Chennai", limit=1)[0]
    assert (chennai.latitude, chennai.longitude) == pytest.approx((13.09, 80.28), abs=0.05)
    assert chennai.title == "Chennai, India"


@pytest.mark.parametrize("asked", ["", "   ", ",", "qqqqzzzzxxxx", "\x00", "!" * 10_000, "%s'; --"])
def test_what_is_no_place(asked: str) -> None:
    assert find_places(asked, limit=5) == []


def test_no_more_than_asked_for_and_none_twice() -> None:
    found = find_places("San Jose", limit=4)
    assert len(found) == len(set(found)) == 4
    assert find_places("San Jose", limit=1) == found[:1]


def test_towns_of_one_name_are_told_apart_by_their_state() -> None:
    assert find_places("Springfield, Illinois")[0].title == "Springfield, Illinois, United States"
    assert find_places("Springfield IL")[0].title == "Springfield, Illinois, United States"


def test_a_typing_error_is_quickly_seen_through() -> None:
    read_gazetteer()
    for name in ("Coimbatoor", "Thiruvananthapurm", "Benglaru", "San Franciso", "Sidny"):
        taken = []
        for _ in range(5):
            start = perf_counter()
            assert find_places(name)
            taken.append(perf_counter() - start)
        assert min(taken) < 0.05, name


def test_the_town_nearest_to_a_position() -> None:
    assert nearest_place(latitude=51.5, longitude=-0.1).country == "GB"
    assert nearest_place(latitude=-16.8, longitude=-180).country == nearest_place(latitude=-16.8, longitude=180).country
    with pytest.raises(Invalid):
        nearest_place(latitude=91, longitude=0)


def test_country_name() -> None:
    assert country_name("IN") == "India"
    assert country_name("ZZ") == "ZZ"
