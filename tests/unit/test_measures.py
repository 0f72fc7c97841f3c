"""Measures and the ABCD terms on drawn shapes whose truth is known."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.vision import abcd
from core.vision.abcd import Colour
from core.vision.measures import Lesion
from core.vision.outline import Mask, fill

SIZE = (640, 480)
SKIN = (225, 185, 165)
BROWN = abcd.REFERENCES[Colour.LIGHT_BROWN]

Y, X = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
ACROSS, DOWN = X - 320, Y - 240
RADIUS = np.hypot(ACROSS, DOWN)
TURN = np.degrees(np.arctan2(DOWN, ACROSS)) % 360


def ellipse(a: float, b: float, degrees: float = 0.0) -> Mask:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.asarray(((ACROSS * c + DOWN * s) / a) ** 2 + ((DOWN * c - ACROSS * s) / b) ** 2 < 1)


def square(side: float, degrees: float = 0.0) -> Mask:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(x * side / 2, y * side / 2) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return fill([(320 + x * c - y * s, 240 + x * s + y * c) for x, y in corners], size=SIZE)


def star(points: int, outer: float, inner: float) -> Mask:
    corners = []
    for index in range(2 * points):
        radius, angle = (outer, inner)[index % 2], math.pi * index / points
        corners.append((320 + radius * math.cos(angle), 240 + radius * math.sin(angle)))
    return fill(corners, size=SIZE)


def drawn(mask: Mask, colour: tuple[int, int, int] = BROWN, *, blur: float = 0.0) -> Lesion:
    pixels = np.where(mask[..., None], np.array(colour), np.array(SKIN)).astype(np.float64)
    return of_pixels(pixels, mask, blur=blur)


def of_pixels(pixels: npt.NDArray[np.float64], mask: Mask, *, blur: float = 0.0) -> Lesion:
    if blur:
        pixels = gaussian_filter(pixels, (blur, blur, 0))
    return Lesion(Image.fromarray(pixels.astype(np.uint8)), mask)


CIRCLE = ellipse(120, 120)
HALF_MOON = CIRCLE & (DOWN < 0)


def test_a_circle_has_its_area_its_diameter_and_nothing_irregular() -> None:
    lesion = drawn(CIRCLE)
    assert lesion.area == pytest.approx(math.pi * 120**2, rel=0.005)
    assert lesion.diameter == pytest.approx(240, rel=0.01)
    assert lesion.compactness == pytest.approx(1, abs=0.02)
    assert lesion.asymmetry < 0.02
    assert abcd.asymmetry_score(lesion) == 0


@pytest.mark.parametrize("degrees", [0, 20, 45, 77])
def test_an_ellipse_is_symmetric_whichever_way_it_lies(degrees: float) -> None:
    lesion = drawn(ellipse(150, 75, degrees))
    assert lesion.area == pytest.approx(math.pi * 150 * 75, rel=0.005)
    assert lesion.diameter == pytest.approx(300, rel=0.015)
    # Ramanujan's perimeter of an ellipse.
    h = ((150 - 75) / (150 + 75)) ** 2
    perimeter = math.pi * 225 * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    assert lesion.compactness == pytest.approx(perimeter**2 / (4 * math.pi * math.pi * 150 * 75), rel=0.03)
    assert lesion.asymmetry < 0.05
    assert abcd.asymmetry_score(lesion) == 0


@pytest.mark.parametrize("degrees", [0, 20, 45])
def test_a_square_has_four_pi_for_its_border_and_two_axes(degrees: float) -> None:
    lesion = drawn(square(180, degrees))
    assert lesion.area == pytest.approx(180**2, rel=0.01)
    assert lesion.diameter == pytest.approx(180 * math.sqrt(2), rel=0.03)
    assert lesion.compactness == pytest.approx(4 / math.pi, rel=0.05)
    assert abcd.asymmetry_score(lesion) == 0


def test_a_half_moon_is_asymmetric_along_one_axis() -> None:
    lesion = drawn(HALF_MOON)
    # Along its chord nothing meets its partner about the centroid but the middle; across it everything does.
    assert min(lesion.folding.shape) < 0.03
    assert max(lesion.folding.shape) > 0.1
    assert lesion.diameter == pytest.approx(240, rel=0.02)
    assert abcd.asymmetry_score(lesion) == 1


def test_a_shape_without_any_axis_is_asymmetric_along_both() -> None:
    comma = (ellipse(140, 60) & (ACROSS < 0)) | (
        ellipse(140, 150) & (ACROSS >= 0) & (DOWN < 40) & (DOWN > ACROSS - 150)
    )
    assert abcd.asymmetry_score(drawn(comma)) == 2


def test_a_star_is_more_irregular_than_a_square_and_a_square_than_a_circle() -> None:
    found = [drawn(mask).compactness for mask in (CIRCLE, square(200), star(8, 130, 90), star(8, 130, 50))]
    assert found == sorted(found)
    assert found[-1] > 2


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_sizes_follow_the_image_and_shapes_do_not(factor: float) -> None:
    mask = star(7, 130, 80)
    pixels = np.where(mask[..., None], np.array(BROWN), np.array(SKIN)).astype(np.uint8)
    size = (round(SIZE[0] * factor), round(SIZE[1] * factor))
    larger = Lesion(
        Image.fromarray(pixels).resize(size), np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    )
    lesion = drawn(mask)
    assert larger.area == pytest.approx(lesion.area * factor**2, rel=0.01)
    assert larger.diameter == pytest.approx(lesion.diameter * factor, rel=0.015)
    assert larger.compactness == pytest.approx(lesion.compactness, rel=0.05)
    assert larger.asymmetry == pytest.approx(lesion.asymmetry, abs=0.03)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_sectors_of_so_many_colours_have_so_many_colours(count: int) -> None:
    chosen = list(Colour)[:count]
    pixels = np.broadcast_to(np.array(SKIN, dtype=np.float64), (*CIRCLE.shape, 3)).copy()
    for index, colour in enumerate(chosen):
        sector = CIRCLE & (TURN // (360 / count) == index)
        pixels[sector] = abcd.REFERENCES[colour]
    lesion = of_pixels(pixels, CIRCLE)
    assert abcd.colours_of(lesion) == tuple(chosen)
    for colour in chosen:
        assert abcd.colour_shares(lesion)[colour] == pytest.approx(1 / count, abs=0.03)


def test_skin_inside_the_outline_counts_for_no_colour() -> None:
    pixels = np.where((RADIUS < 60)[..., None], np.array(BROWN), np.array(SKIN)).astype(np.float64)
    lesion = of_pixels(pixels, CIRCLE)
    assert abcd.colours_of(lesion) == (Colour.LIGHT_BROWN,)
    assert abcd.colour_shares(lesion)[Colour.LIGHT_BROWN] == pytest.approx(0.25, abs=0.02)


def test_one_colour_does_not_vary_and_two_halves_vary_by_half_their_difference() -> None:
    assert drawn(CIRCLE).variegation < 4
    light, dark = np.array((200.0, 200, 200)), np.array((100.0, 100, 100))
    pixels = np.where((ACROSS < 0)[..., None], light, dark)
    # sRGB greys of 200 and 100 have L* 80.6 and 42.4.
    assert of_pixels(pixels, CIRCLE).variegation == pytest.approx((80.6 - 42.4) / 2, abs=0.6)


def test_two_colours_make_an_axis_asymmetric_though_the_shape_is_not() -> None:
    pixels = np.where((ACROSS < 0)[..., None], np.array(abcd.REFERENCES[Colour.DARK_BROWN]), np.array(BROWN))
    pixels = np.where(CIRCLE[..., None], pixels, np.array(SKIN)).astype(np.float64)
    assert abcd.asymmetry_score(of_pixels(pixels, CIRCLE)) == 1


def test_a_sharp_border_is_abrupt_all_around_and_a_faint_one_nowhere() -> None:
    dark = abcd.REFERENCES[Colour.DARK_BROWN]
    assert abcd.border_score(drawn(CIRCLE, dark)) == 8
    assert abcd.border_score(drawn(CIRCLE, dark, blur=25)) == 0


def test_a_border_that_is_sharp_on_one_side_is_abrupt_in_half_of_its_segments() -> None:
    dark = abcd.REFERENCES[Colour.DARK_BROWN]
    pixels = np.where(CIRCLE[..., None], np.array(dark), np.array(SKIN)).astype(np.float64)
    blurred = gaussian_filter(pixels, (25, 25, 0))
    lesion = of_pixels(np.where((ACROSS < 0)[..., None], pixels, blurred), CIRCLE)
    assert abcd.border_score(lesion) == pytest.approx(4, abs=1)


def test_the_total_needs_a_clinicians_structures() -> None:
    total = abcd.total_dermoscopy_score(asymmetry=2, border=8, colours=6, structures=5)
    assert total == pytest.approx(8.9)
    assert abcd.total_dermoscopy_score(asymmetry=0, border=0, colours=1, structures=1) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="structures"):
        abcd.total_dermoscopy_score(asymmetry=0, border=0, colours=1, structures=0)


def test_an_empty_mask_or_one_of_another_size_is_refused() -> None:
    image = Image.new("RGB", SIZE)
    with pytest.raises(ValueError, match="no lesion"):
        Lesion(image, np.zeros_like(CIRCLE))
    with pytest.raises(ValueError, match="the image"):
        Lesion(image, CIRCLE[:-1])
