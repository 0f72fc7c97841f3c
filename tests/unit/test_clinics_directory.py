"""The clinics that DermTrail brings along."""

from collections import Counter
from urllib.parse import urlsplit

from core.clinics.directory import starting_list
from core.clinics.nearest import nearest
from core.clinics.places import country_name, find_places


def test_every_entry_can_be_stored_and_says_where_it_comes_from() -> None:
    for entry in starting_list():
        assert entry.name.strip() == entry.name != ""
        assert len(entry.country) == 2
        assert country_name(entry.country) != entry.country
        assert -90 <= entry.latitude <= 90
        assert -180 <= entry.longitude <= 180
        assert urlsplit(entry.source).scheme == "https"
        assert urlsplit(entry.website).scheme == "https"


def test_nothing_is_claimed_that_was_not_checked() -> None:
    for entry in starting_list():
        assert entry.position_approximate
        assert entry.checked_on is None
        assert entry.phone is None


def test_no_clinic_stands_in_it_twice() -> None:
    keys = Counter((entry.name, entry.city, entry.country) for entry in starting_list())
    assert max(keys.values()) == 1


def test_each_stands_in_the_town_it_names() -> None:
    for entry in starting_list():
        towns = find_places(f"{entry.city}, {entry.country}", limit=5)
        assert any(
            nearest([entry], latitude=t.latitude, longitude=t.longitude, limit=1)[0].distance_km < 5 for t in towns
        )


def test_every_inhabited_continent_and_india_well() -> None:
    countries = Counter(entry.country for entry in starting_list())
    assert countries["IN"] >= 15
    assert {"JP", "EG", "TZ", "GB", "US", "BR", "AU"} <= set(countries)
