"""Files of clinics, as operators have them: well-formed, odd and hostile."""

import json
from pathlib import Path

import pytest

from core.clinics import openstreetmap
from core.clinics.kind import ClinicKind
from core.clinics.read_file import read_clinics
from core.errors import Invalid


def read(tmp_path: Path, content: str | bytes):
    path = tmp_path / "clinics"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_clinics(path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_any_separator_with_a_byte_order_mark(tmp_path: Path, separator: str) -> None:
    rows = [["Name", "Kind", "LAT", "lon", "Phone"], ["तमिल त्वचा अस्पताल", "Cancer Center", "-33,9", "151.2", "+91 1"]]
    if separator == ",":
        rows[1][2] = "-33.9"
    text = "\ufeff" + "\r\n".join(separator.join(row) for row in rows)
    (entry,) = read(tmp_path, text).entries
    assert (entry.name, entry.kind) == ("तमिल त्वचा अस्पताल", ClinicKind.CANCER_CENTRE)
    assert (entry.latitude, entry.longitude, entry.country) == (-33.9, 151.2, "AU")
    assert entry.city


def test_what_cannot_be_kept_is_named_by_its_line(tmp_path: Path) -> None:
    text = "name,kind,latitude,longitude,country\n" + "\n".join(
        [
            "Good,hospital,13,80,India",
            "Far north,hospital,95,80,IN",
            "No number,hospital,north,80,IN",
            "Not a number,hospital,nan,80,IN",
            "Kindless,bakery,13,80,IN",
            ",hospital,13,80,IN",
            "Atlantis,hospital,13,80,Atlantis",
            f"{'x' * 201},hospital,13,80,IN",
            "Too many,hospital,13,80,IN,,",
        ]
    )
    found = read(tmp_path, text)
    assert [entry.name for entry in found.entries] == ["Good"]
    assert [fault.partition(":")[0] for fault in found.faults] == [f"Line {number}" for number in range(3, 11)]
    for fault, word in zip(
        found.faults, ("latitude", "latitude", "latitude", "kind", "name", "country", "longer", "columns"), strict=True
    ):
        assert word in fault


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "missing: name, kind, latitude, longitude"),
        (b"name,latitude\nA,1\n", "missing: kind, longitude"),
        (b"name,name,kind,latitude,longitude\n", "same name"),
        (b"name,kind,latitude,longitude\n", "no clinic"),
        (b'name,kind,latitude,longitude\n"open,hospital,1,1\n', "CSV"),
        (b"\xff\xfe\x00\x00", "UTF-8"),
        (b"name\0", "no text"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"type": "Topology"}', "neither GeoJSON"),
        (b'{"type": "FeatureCollection", "features": []}', "no clinic"),
    ],
)
def test_a_file_that_is_none_of_ours(tmp_path: Path, content: bytes, word: str) -> None:
    with pytest.raises(Invalid, match=word) as raised:
        read(tmp_path, content)
    assert "\n" not in str(raised.value)


def test_geojson_of_points_outlines_and_openstreetmap(tmp_path: Path) -> None:
    square = [[[80.0, 13.0], [80.2, 13.0], [80.2, 13.2], [80.0, 13.2], [80.0, 13.0]]]
    features = [
        {"type": "Feature", "id": "a1", "properties": {"name": "Skin", "kind": "dermatology"},
         "geometry": {"type": "Point", "coordinates": [151.2, -33.9]}},
        {"type": "Feature", "id": "way/7", "properties": {"name": "Ward", "amenity": "hospital", "phone": "1; 2"},
         "geometry": {"type": "Polygon", "coordinates": square}},
        {"type": "Feature", "properties": {"name": "Nowhere"}, "geometry": None},
        "no feature",
    ]  # fmt: skip
    found = read(tmp_path, json.dumps({"type": "FeatureCollection", "features": features}))
    skin, ward = found.entries
    assert (skin.source_key, skin.latitude, skin.longitude) == ("file:a1", -33.9, 151.2)
    assert (ward.source_key, ward.kind, ward.phone) == ("osm:way/7", ClinicKind.HOSPITAL, "1")
    assert (ward.latitude, ward.longitude) == pytest.approx((13.1, 80.1))
    assert [fault.partition(":")[0] for fault in found.faults] == ["Feature 3", "Feature 4"]


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"name": "A", "amenity": "hospital"}, ClinicKind.HOSPITAL),
        ({"name": "A", "healthcare": "doctor", "healthcare:speciality": "dermatology"}, ClinicKind.DERMATOLOGY),
        ({"name": "A", "amenity": "hospital", "healthcare:speciality": "oncology"}, ClinicKind.CANCER_CENTRE),
        ({"name": "A", "amenity": "hospital", "healthcare:speciality": "surgery;oncology"}, ClinicKind.HOSPITAL),
        ({"name": "City Cancer Centre", "amenity": "hospital"}, ClinicKind.CANCER_CENTRE),
        ({"name": "A", "amenity": "pharmacy"}, None),
        ({"amenity": "hospital"}, None),
    ],
)
def test_kinds_of_openstreetmap(tags: dict[str, str], kind: ClinicKind | None) -> None:
    found = openstreetmap.entries({"elements": [{"type": "node", "id": 1, "lat": 13.0, "lon": 80.0, "tags": tags}]})
    assert [entry.kind for entry in found.entries] == ([kind] if kind else [])
    assert len(found.faults) == (0 if kind else 1)


def test_only_addresses_of_the_web_become_links(tmp_path: Path) -> None:
    text = "name,kind,latitude,longitude,website\n" + "".join(
        f"{number},hospital,1,1,{address}\n"
        for number, address in enumerate(["www.a.org", "javascript:alert(1)", "https://b.org/x", "data:text/html"])
    )
    assert [entry.website for entry in read(tmp_path, text).entries] == [
        "https://www.a.org", None, "https://b.org/x", None,
    ]  # fmt: skip
