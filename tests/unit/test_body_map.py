"""The regions of the body map: each is drawn, each has a name in the records, and sides mirror."""

import re
from xml.etree import ElementTree

import pytest

from core import body_map
from core.body_map import REGIONS, lines
from core.records.terms import BodySite, BodyView, Laterality

SVG = "{http://www.w3.org/2000/svg}"
OPPOSITE = {Laterality.LEFT: Laterality.RIGHT, Laterality.RIGHT: Laterality.LEFT}
MID_X = {BodyView.FRONT: 230, BodyView.BACK: 230, BodyView.HANDS: 230, BodyView.FEET: 230}


def shapes(view: BodyView) -> dict[str, list[tuple[float, float]]]:
    """The corners of every region of a view, by its id."""
    drawing = ElementTree.fromstring(body_map.drawing(view))
    (group,) = [element for element in drawing.iter(f"{SVG}g") if element.get("class") == "regions"]
    paths = {str(path.get("id")): str(path.get("d")) for path in group}
    return {
        name: [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", data)]
        for name, data in paths.items()
    }


@pytest.mark.parametrize("view", BodyView)
def test_what_is_drawn_and_what_has_a_name_are_the_same(view: BodyView) -> None:
    assert set(shapes(view)) == {name for name, region in REGIONS.items() if region.view == view}


def test_every_region_has_a_valid_site_and_side_and_every_site_a_region() -> None:
    assert all(isinstance(region.laterality, Laterality) for region in REGIONS.values())
    assert {region.body_site for region in REGIONS.values()} == set(BodySite)
    assert all(region.words.endswith(f", {region.laterality}") for region in REGIONS.values())


def test_mirrored_regions_mirror() -> None:
    for name, region in REGIONS.items():
        if region.laterality is Laterality.MIDLINE:
            continue
        other = REGIONS[name.removesuffix(region.laterality) + OPPOSITE[region.laterality]]
        assert (other.view, other.body_site) == (region.view, region.body_site)
        assert other.laterality is OPPOSITE[region.laterality]


@pytest.mark.parametrize(
    ("view", "left_is_at_viewers"),
    [(BodyView.FRONT, "right"), (BodyView.BACK, "left"), (BodyView.HANDS, "right"), (BodyView.FEET, "right")],
)
def test_the_patients_left_is_drawn_where_it_is_seen(view: BodyView, left_is_at_viewers: str) -> None:
    for name, corners in shapes(view).items():
        middle = sum(x for x, _ in corners) / len(corners)
        side = REGIONS[name].laterality
        if side is Laterality.MIDLINE:
            assert middle == pytest.approx(MID_X[view], abs=1), name
        else:
            assert (middle > MID_X[view]) == ((side == "left") == (left_is_at_viewers == "right")), name


def test_a_pair_of_regions_is_drawn_as_each_others_mirror_image() -> None:
    for view in (BodyView.FRONT, BodyView.BACK, BodyView.HANDS, BodyView.FEET):
        drawn = shapes(view)
        for name, corners in drawn.items():
            if not name.endswith("-left"):
                continue
            mirrored = sorted((2 * MID_X[view] - x, y) for x, y in drawn[name.removesuffix("left") + "right"])
            assert sorted(corners) == [pytest.approx(corner, abs=0.21) for corner in mirrored], name


@pytest.mark.parametrize("view", BodyView)
def test_a_drawing_brings_nothing_from_outside_and_no_script(view: BodyView) -> None:
    drawing = ElementTree.fromstring(body_map.drawing(view))
    assert drawing.get("viewBox", "").startswith("0 0 ")
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} <= {
        "svg", "title", "path", "clipPath", "use", "g", "text",
    }  # fmt: skip
    assert re.findall(r'(?:href|src)="(?!#)', body_map.drawing(view)) == []


@pytest.mark.parametrize(
    ("name", "site", "side", "words"),
    [
        ("front-chest-left", BodySite.TRUNK, "left", "Chest, left"),
        ("back-lower-leg-right", BodySite.LOWER_EXTREMITY, "right", "Calf, right"),
        ("back-buttock-right", BodySite.LOWER_EXTREMITY, "right", "Buttock, right"),
        ("front-genital-region-midline", BodySite.ANOGENITAL_REGION, "midline", "Genital region, midline"),
        ("head-profile-temple-left", BodySite.HEAD_AND_NECK, "left", "Temple, left"),
        ("hands-back-thumb-right", BodySite.UPPER_EXTREMITY, "right", "Thumb, back, right"),
    ],
)
def test_some_regions_as_a_reader_would_name_them(name: str, site: BodySite, side: str, words: str) -> None:
    region = REGIONS[name]
    assert (region.body_site, region.laterality, region.words) == (site, side, words)


@pytest.mark.parametrize("view", BodyView)
def test_every_view_has_lines_for_paper(view: BodyView) -> None:
    drawn = lines(view)
    assert drawn.skin.startswith("M") and drawn.details.startswith("M")
    assert drawn.size[0] == 460
    assert all(0 < x < drawn.size[0] and 0 < y < drawn.size[1] for _, x, y in drawn.sides)
    assert {"Right", "Left"} <= {
        word.capitalize() for words, _, _ in drawn.sides for word in words.split(",")[0].split()
    }
