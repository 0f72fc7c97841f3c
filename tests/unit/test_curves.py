"""Which areas of a lesion may be drawn on one axis, and in which unit."""

from dataclasses import dataclass

import numpy as np
import pytest

from core.records.curves import MM2, OF_FIRST, area_curve, needs_alignment, score_curves
from core.records.outlines import ImageMeasures
from core.records.tables import Image, StoredOutline
from core.vision.change import QUANTITIES

SQUARE = [[10.0, 10.0], [90.0, 10.0], [90.0, 90.0], [10.0, 90.0]]


@dataclass
class Taken:
    """Makes images by number, as the records give them."""

    count: int = 0

    def __call__(
        self, area: float, *, scale: float | None = None, error: float | None = 10.0, lesion: bool = True
    ) -> ImageMeasures:
        self.count += 1
        measures = {each.name: [1.0, 0.5] for each in QUANTITIES} | {"area": [area, error]}
        outline = StoredOutline(polygon=SQUARE if lesion else [], measures=measures if lesion else {})
        return ImageMeasures(Image(id=self.count, width=100, height=100), outline, scale)


@pytest.fixture
def taken() -> Taken:
    return Taken()


def values(found: list[ImageMeasures], **more: object) -> list[tuple[int, float]]:
    return [(point.image.id, round(point.value, 3)) for point in area_curve(found, **more).points]


def test_images_with_a_scale_are_drawn_in_square_millimetres(taken: Taken) -> None:
    found = [taken(1000, scale=0.1), taken(400, scale=0.2), taken(4000, scale=0.1)]
    curve = area_curve(found)
    assert (curve.unit, curve.left_out) == (MM2, 0)
    assert values(found) == [(1, 10.0), (2, 16.0), (3, 40.0)]
    first, second, third = curve.points
    assert (first.changed, second.changed, third.changed) == (None, True, True)
    # The image's own uncertainty; and that of the scale, 1 % of a length, for all but the first.
    assert first.uncertainty == pytest.approx(0.1)
    assert second.uncertainty == pytest.approx(np.hypot(0.4, 1.96 * 2 * 0.01 * 16))


def test_a_difference_within_the_uncertainty_is_no_change(taken: Taken) -> None:
    first, second = area_curve([taken(1000, scale=0.1), taken(1010, scale=0.1)]).points
    assert second.changed is False
    assert second.value > first.value


def test_pixels_without_a_common_scale_are_not_drawn(taken: Taken) -> None:
    found = [taken(1000), taken(2000)]
    curve = area_curve(found)
    assert (list(curve.points), curve.left_out) == ([], 2)
    assert needs_alignment(found)


def test_an_image_without_a_scale_is_left_out_of_those_that_have_one(taken: Taken) -> None:
    found = [taken(500), taken(1000, scale=0.1), taken(3000), taken(2000, scale=0.1)]
    assert values(found) == [(2, 10.0), (4, 20.0)]
    assert area_curve(found).left_out == 2
    assert needs_alignment(found)


def test_aligned_images_compare_in_percent_of_the_first(taken: Taken) -> None:
    found = [taken(1000), taken(4000), taken(3000)]
    matrices = {2: np.diag([0.5, 0.5, 1.0])}
    curve = area_curve(found, matrices=matrices)
    assert (curve.unit, curve.left_out) == (OF_FIRST, 1)
    assert values(found, matrices=matrices) == [(1, 100.0), (2, 100.0)]
    assert curve.points[1].changed is False


def test_alignment_carries_the_scale_of_the_first(taken: Taken) -> None:
    found = [taken(1000, scale=0.1), taken(4000), taken(900, scale=0.2)]
    matrices = {2: np.diag([0.5, 0.5, 1.0]), 3: np.diag([9.0, 9.0, 1.0])}
    # The third goes by the scale that somebody has set.
    assert values(found, matrices=matrices) == [(1, 10.0), (2, 10.0), (3, 36.0)]
    assert area_curve(found, matrices=matrices).unit == MM2


def test_the_way_with_more_points_is_taken(taken: Taken) -> None:
    found = [taken(1000), taken(1000), taken(1000, scale=0.1)]
    matrices = {2: np.eye(3), 3: np.eye(3)}
    assert area_curve(found, matrices=matrices).unit == OF_FIRST
    assert values(found) == [(3, 10.0)]
    assert area_curve(found).unit == MM2


def test_nothing_measured_is_nothing_drawn(taken: Taken) -> None:
    found = [ImageMeasures(Image(id=1), None, 0.1), taken(0, lesion=False)]
    assert not area_curve(found).points
    assert all(not curve.points for curve in score_curves(found))
    assert not needs_alignment(found)


def test_scores_need_no_scale_and_an_unknown_uncertainty_is_none(taken: Taken) -> None:
    found = [taken(1000), taken(2000), taken(0, lesion=False)]
    assert [(curve.name, len(curve.points)) for curve in score_curves(found)] == [
        ("abcd_asymmetry", 2), ("abcd_border", 2), ("abcd_colours", 2),
    ]  # fmt: skip
    (point,) = area_curve([taken(1000, scale=0.1, error=None)]).points
    assert point.uncertainty is None
