"""Heat maps: positive evidence only, scaled to 1, and shown where the network attended."""

import numpy as np
import pytest
from PIL import Image

from core.vision import heat_map


def test_only_what_speaks_for_the_class_counts() -> None:
    activation = np.array([[-3, 0], [2, 4]], np.float32)
    assert heat_map.from_activation(activation).tolist() == [[0, 0], [0.5, 1]]


def test_nothing_for_the_class_is_an_empty_map() -> None:
    heat = heat_map.from_activation(np.full((4, 4), -1, np.float32))
    assert heat.dtype == np.float32 and not heat.any()


def test_the_scale_of_the_activation_does_not_matter() -> None:
    activation = np.random.default_rng(1).normal(size=(7, 7)).astype(np.float32)
    np.testing.assert_allclose(
        heat_map.from_activation(activation), heat_map.from_activation(activation * 1000), rtol=1e-5
    )


def test_cold_places_stay_as_they_are_and_the_hottest_is_coloured() -> None:
    image = Image.new("RGB", (90, 60), (200, 160, 140))
    heat = np.zeros((6, 9), np.float32)
    heat[1, 7] = 1
    shown = heat_map.overlay(image, heat)
    assert (shown.mode, shown.size) == ("RGB", image.size)
    changed = np.abs(np.asarray(shown).astype(int) - np.asarray(image).astype(int)).sum(axis=2)
    row, column = divmod(int(changed.argmax()), image.width)
    assert (row // 10, column // 10) == (1, 7)
    assert not changed[:, :40].any()


@pytest.mark.parametrize(
    ("opacity", "expected"), [(0.0, (100, 100, 100)), (0.5, (176, 178, 132)), (1.0, (252, 255, 164))]
)
def test_opacity(opacity: float, expected: tuple[int, int, int]) -> None:
    image = Image.new("RGB", (8, 8), (100, 100, 100))
    shown = heat_map.overlay(image, np.ones((2, 2), np.float32), opacity=opacity)
    assert shown.getpixel((4, 4)) == expected


def test_hotter_is_lighter_all_the_way() -> None:
    """So that a map reads in grey too, and for the colour-blind."""
    black = Image.new("RGB", (11, 1))
    ramp = np.linspace(0.05, 1, 11, dtype=np.float32)[None]
    shown = np.asarray(heat_map.overlay(black, ramp, opacity=1).convert("L")).ravel().astype(int)
    assert (np.diff(shown) > 0).all()
