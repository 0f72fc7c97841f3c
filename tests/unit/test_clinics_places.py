"""Where a place is, by its name."""

import pytest

from core.clinics.places import country_name, find_places


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


def test_country_name() -> None:
    assert country_name("IN") == "India"
    assert country_name("ZZ") == "ZZ"
