"""The clinics that DermTrail brings along."""

from collections import Counter
from urllib.parse import urlsplit

from core.clinics.directory import starting_list
from core.clinics.matching import Matcher
from core.clinics.nearest import nearest
from core.clinics.places import country_name, find_places


def test_every_entry_can_be_stored_and_says_where_it_comes_from() -> None:
    for entry in starting_list():
        assert entry.name.strip() == entry.name != ""
        assert len(entry.country) == 2
        assert country_name(entry.country) != entry.country
        assert -90 <= entry.latitude <= 90
        assert -180 <= entry.longitude <= 180
        assert urlsplit(entry.source).scheme in {"http", "https"}
        assert urlsplit(entry.source).netloc
        assert entry.website is None or urlsplit(entry.website).scheme in {"http", "https"}
        assert entry.checked_on is not None
        assert max(len(text) for text in (entry.name, entry.source, entry.address or "", entry.website or "")) <= 300
        assert len(entry.name) <= 200 and len(entry.phone or "") <= 40


def test_no_two_entries_would_be_merged_by_an_import() -> None:
    matcher = Matcher(starting_list())
    assert [entry.name for entry in starting_list() if len(matcher.same(entry)) > 1] == []


def test_no_clinic_stands_in_it_twice() -> None:
    keys = Counter((entry.name, entry.city, entry.country) for entry in starting_list())
    assert max(keys.values()) == 1


def test_each_stands_in_the_town_it_names() -> None:
    for entry in starting_list():
        towns = find_places(f"{entry.city}, {entry.country}", limit=50)
        assert any(
            nearest([entry], latitude=t.latitude, longitude=t.longitude, limit=1)[0].distance_km < 30 for t in towns
        ), entry


def test_every_inhabited_continent_and_india_well() -> None:
    countries = Counter(entry.country for entry in starting_list())
    assert len(starting_list()) >= 200
    assert countries["IN"] >= 57
    assert {
        "JP",
        "ID",
        "IR",
        "KR",
        "TR",
        "VN",
        "EG",
        "ET",
        "KE",
        "MA",
        "TZ",
        "GB",
        "US",
        "BR",
        "PE",
        "VE",
        "AU",
    } <= set(countries)


INDIA = (
    "Visakhapatnam", "Naharlagun", "Guwahati", "Patna", "Raipur", "Bambolim", "Ahmedabad", "Jhajjar", "Shimla",
    "Ranchi", "Bengaluru", "Thiruvananthapuram", "Gwalior", "Mumbai", "Imphal", "Shillong", "Aizawl", "Kohima",
    "Cuttack", "Sangrur", "Bikaner", "Gangtok", "Chennai", "Hyderabad", "Agartala", "Varanasi", "Haldwani", "Kolkata",
    "Port Blair", "Chandigarh", "Silvassa", "New Delhi", "Srinagar", "Leh", "Kavaratti", "Puducherry",
)  # fmt: skip
"""A town of each of the 28 states and then of the 8 union territories, in the order of their names."""


def test_no_state_and_no_union_territory_of_india_is_without_one() -> None:
    assert len(INDIA) == 28 + 8
    assert set(INDIA) <= {entry.city for entry in starting_list() if entry.country == "IN"}
