"""Tracing, filling, scales and changes, without the network."""

import math

import numpy as np
import pytest

from core.vision.change import QUANTITIES, Measured, change, scale_of
from core.vision.outline import fill, trace


def disc(radius: float, *, side: int = 128, at: tuple[float, float] = (64, 64)) -> np.ndarray:
    y, x = np.mgrid[:side, :side] + 0.5
    return (1 / (1 + np.exp((np.hypot(x - at[0], y - at[1]) - radius) / 0.7))).astype(np.float32)


def area(polygon: tuple[tuple[float, float], ...]) -> float:
    x, y = np.array(polygon).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def measured(value: float, uncertainty: float) -> Measured:
    names = [quantity.name for quantity in QUANTITIES]
    return Measured(dict.fromkeys(names, value), dict.fromkeys(names, uncertainty))


def test_a_disc_is_traced_where_it_lies_and_as_large_as_it_is() -> None:
    polygon, along_edge = trace(disc(40), size=(1280, 640), threshold=0.5)
    # The square map is stretched over a picture twice as wide as high.
    assert area(polygon) == pytest.approx(math.pi * 400 * 200, rel=0.01)
    assert np.mean(polygon, axis=0) == pytest.approx([640, 320], abs=12)
    assert along_edge == 0


def test_holes_are_filled_and_only_the_biggest_part_is_kept() -> None:
    ring = disc(40) - disc(20) + disc(6, at=(120, 8))
    polygon, _ = trace(ring, size=(512, 512), threshold=0.5)
    assert area(polygon) == pytest.approx(math.pi * 160**2, rel=0.02)


def test_what_runs_out_of_the_frame_is_seen_to_do_so() -> None:
    polygon, along_edge = trace(disc(40, at=(0, 64)), size=(512, 512), threshold=0.5)
    assert along_edge > 0.2
    assert area(polygon) == pytest.approx(math.pi * 160**2 / 2, rel=0.03)


def test_nothing_and_a_speck_have_no_outline() -> None:
    assert trace(np.zeros((128, 128), np.float32), size=(400, 300), threshold=0.5) == ((), 0.0)
    assert trace(disc(2), size=(400, 300), threshold=0.5)[0] == ()


def test_a_polygon_fills_the_pixels_whose_centres_it_holds() -> None:
    mask = fill([(1, 1), (4, 1), (4, 3), (1, 3)], size=(6, 5))
    expected = np.zeros((5, 6), dtype=bool)
    expected[1:3, 1:4] = True
    assert (mask == expected).all()
    assert not fill([], size=(6, 5)).any()


def test_a_polygon_that_leaves_the_frame_fills_what_is_inside() -> None:
    assert fill([(-5, -5), (20, -5), (20, 20), (-5, 20)], size=(6, 5)).all()


def test_a_difference_is_a_change_only_beyond_its_uncertainty() -> None:
    first = measured(100, 3)
    within, beyond = (change(first, measured(value, 4), scale=1.0, scale_error=0) for value in (104.9, 105.1))
    assert not any(line.changed for line in within)
    assert all(line.changed for line in beyond)
    assert [line.uncertainty for line in beyond] == pytest.approx([5] * len(QUANTITIES))


def test_sizes_are_carried_over_by_the_scale_and_not_compared_without() -> None:
    lines = {line.name: line for line in change(measured(400, 1), measured(100, 1), scale=2.0)}
    assert (lines["area"].second, lines["diameter"].second, lines["asymmetry"].second) == (400, 200, 100)
    assert lines["area"].changed is False
    without = {line.name: line for line in change(measured(400, 1), measured(100, 1))}
    assert (without["area"].second, without["area"].changed, without["diameter"].changed) == (None, None, None)
    assert without["asymmetry"].changed is True


def test_what_could_not_be_measured_again_is_never_a_change() -> None:
    assert not any(line.changed for line in change(measured(1, math.inf), measured(900, 1), scale=1.0))


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.7])
def test_the_scale_of_a_matrix_is_that_of_lengths(factor: float) -> None:
    c, s = factor * math.cos(0.6), factor * math.sin(0.6)
    matrix = np.array([[c, -s, 30], [s, c, -12], [0, 0, 1]])
    assert scale_of(matrix, at=(100, 50)) == pytest.approx(factor)
    assert scale_of(matrix * 3, at=(100, 50)) == pytest.approx(factor)
