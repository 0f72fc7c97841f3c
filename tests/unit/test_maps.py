"""The clinic map, as it is handed to the browser."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from core.clinics.directory import ClinicEntry, starting_list
from core.clinics.kind import ClinicKind
from core.clinics.nearest import nearest
from dashboard import maps
from dashboard.clinic_words import distance_text, web_address
from dashboard.maps import clinic_map

SKIN_CENTRE = ClinicEntry(
    name="National Skin Centre",
    kind=ClinicKind.DERMATOLOGY,
    country="SG",
    city="Singapore",
    latitude=1.29,
    longitude=103.85,
    position_approximate=True,
    website="https://www.nsc.com.sg",
)
FIJI_CLINIC = replace(SKIN_CENTRE, name="Suva clinic", country="FJ", city="Suva", latitude=-18.1, longitude=178.4)


def _drawn(canvas) -> dict:
    """What `map.js` is given."""
    page = canvas.get_root().render()
    return json.loads(re.search(r"drawClinicMap\(\w+, (.*)\);", page).group(1))


@pytest.mark.parametrize("tiles", [True, False])
def test_asks_nothing_of_the_internet_but_tiles(tiles: bool) -> None:
    page = clinic_map(starting_list(), tiles=tiles).get_root().render()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(address.startswith("/app/static/") for address in loaded if "copyright" not in address)
    hosts = {host for host in re.findall(r'https?://([^/"\\]+)', page) if "openstreetmap" in host}
    assert hosts == ({"tile.openstreetmap.org", "www.openstreetmap.org"} if tiles else set())


def test_every_file_that_it_loads_is_there() -> None:
    canvas = clinic_map([])
    addresses = [address for _, address in [*canvas.default_js, *canvas.default_css]]
    addresses.append(_drawn(canvas)["outlines"])
    for address in addresses:
        assert (Path(maps.__file__).parent / "static" / address.removeprefix("/app/static/")).is_file()


def test_outlines_are_those_of_the_world_and_never_jump_over_the_date_line() -> None:
    outlines = json.loads((Path(maps.__file__).parent / "static/outlines/countries.geojson").read_text("utf-8"))
    assert len(outlines["features"]) == 177
    for country in outlines["features"]:
        geometry = country["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        for ring in (ring for polygon in polygons for ring in polygon):
            steps = [abs(a[0] - b[0]) for a, b in pairwise(ring) if min(a[1], b[1]) > -89]
            assert max(steps) < 180, country["properties"]["name"]


def test_a_clinic_says_what_is_known_of_it() -> None:
    (spot,) = _drawn(clinic_map([SKIN_CENTRE]))["spots"]
    (card,) = spot["cards"]
    assert spot["at"] == [1.29, 103.85]
    assert spot["label"] == ""
    assert card["name"] == "National Skin Centre"
    assert card["lines"] == [
        "Dermatology · Singapore, Singapore",
        "Shown at the town; its exact place is not known here",
    ]
    assert card["website"] == "https://www.nsc.com.sg"


def test_clinics_in_one_place_share_a_spot_and_none_is_lost() -> None:
    spots = _drawn(clinic_map(starting_list()))["spots"]
    assert sum(len(spot["cards"]) for spot in spots) == len(starting_list())
    assert len({tuple(spot["at"]) for spot in spots}) == len(spots) < len(starting_list())


def test_nearest_are_numbered_and_lie_on_top() -> None:
    found = nearest(starting_list(), latitude=13.0, longitude=80.2, limit=3)
    drawn = _drawn(clinic_map(starting_list(), origin=(13.0, 80.2), nearest=found, origin_name="Chennai"))
    assert [spot["label"] for spot in drawn["spots"] if spot["label"]] != []
    assert sorted(spot["label"] for spot in drawn["spots"][-3:]) == ["1", "2", "3"]
    first = next(spot for spot in drawn["spots"] if spot["label"] == "1")
    assert first["cards"][0]["name"] == found[0].clinic.name
    assert first["cards"][0]["lines"][1] == f"{found[0].distance_km:,.0f} km away, as the crow flies"
    assert drawn["origin"] == {"at": [13.0, 80.2], "name": "Chennai"}


def test_lines_take_the_short_way_over_the_date_line() -> None:
    found = nearest([FIJI_CLINIC], latitude=-17, longitude=-179, limit=1)
    (spot,) = _drawn(clinic_map([FIJI_CLINIC], origin=(-17, -179), nearest=found))["spots"]
    assert spot["at"] == pytest.approx([-18.1, 178.4 - 360])


@pytest.mark.parametrize("centre", [(13.0, 80.2), (-17.0, 179.9), (89.9, 0.0), (-33.9, 151.2)])
@pytest.mark.parametrize("kilometres", [5.0, 250.0, 2500.0])
def test_a_ring_is_as_far_everywhere_and_never_jumps(centre: tuple[float, float], kilometres: float) -> None:
    points = maps.ring(centre, kilometres)
    corners = [replace(SKIN_CENTRE, latitude=north, longitude=(east + 540) % 360 - 180) for north, east in points]
    found = nearest(corners, latitude=centre[0], longitude=centre[1], limit=len(corners))
    assert all(near.distance_km == pytest.approx(kilometres, abs=0.01) for near in found)
    assert max(abs(a[1] - b[1]) for a, b in pairwise(points)) <= 180


def test_rings_enclose_the_nearest() -> None:
    found = nearest(starting_list(), latitude=13.0, longitude=80.2, limit=3)
    rings = maps.rings_for(found)
    assert rings == sorted(rings) and len(rings) <= 3 and rings[-1] >= found[-1].distance_km
    drawn = _drawn(clinic_map(starting_list(), origin=(13.0, 80.2), nearest=found, rings=[10.0]))
    assert [ring["name"] for ring in drawn["rings"]] == ["10 km"]
    assert _drawn(clinic_map(starting_list(), rings=[10.0]))["rings"] == []


def test_names_cannot_bring_markup_or_script() -> None:
    nasty = "</script><img src=x onerror=alert(1)> ${alert(2)} `x` {{ 7*7 }} {% if 1 %} {# #} {{{ 1"
    canvas = clinic_map(
        [replace(SKIN_CENTRE, name=nasty, address=nasty, phone=nasty, website="javascript:alert(1)")],
        origin=(1, 2),
        origin_name=nasty,
    )
    page = canvas.get_root().render()
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script")
    card = _drawn(canvas)["spots"][0]["cards"][0]
    assert card["name"] == nasty
    assert card["website"] is None


def test_dark_and_light_differ_and_an_empty_directory_is_a_map() -> None:
    light, dark = _drawn(clinic_map([])), _drawn(clinic_map([], dark=True))
    assert light["colours"]["land"] != dark["colours"]["land"]
    assert light["spots"] == []
    assert [row["title"] for row in light["legend"]] == ["Cancer centre", "Dermatology", "Hospital"]


@pytest.mark.parametrize(
    ("kilometres", "text"), [(0, "under 1 km"), (0.99, "under 1 km"), (1, "1 km"), (6.6, "7 km"), (1240.2, "1,240 km")]
)
def test_distances(kilometres: float, text: str) -> None:
    assert distance_text(kilometres) == text


@pytest.mark.parametrize(
    "address", [None, "", "javascript:alert(1)", "data:text/html,x", "//x", "https://", "http://[", "x"]
)
def test_what_may_not_become_a_link(address: str | None) -> None:
    assert web_address(address) is None
