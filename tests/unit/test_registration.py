"""Registration on drawn lesions, photographed twice by warps that are known."""

import numpy as np
import pytest
from PIL import Image

from bench.registration import displacement
from bench.warps import warped
from core.demo.lesion_images import draw_lesion
from core.vision.registration import LEAST_QUALITY, HeldBy, aligned, register

SIZE = 256


def lesion(seed: int, **more: object) -> Image.Image:
    return draw_lesion(seed=seed, **{"size": SIZE, "kind": "melanoma", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_a_lesion_photographed_again_is_laid_over_itself(seed: int) -> None:
    first = lesion(seed)
    second = warped(first, np.random.default_rng(seed))
    found = register(first, second.picture)
    assert found.accepted and found.quality >= LEAST_QUALITY
    assert found.matrix is not None and found.matrix.shape == (3, 3)
    assert displacement(found.matrix, second.matrix, first.size) < 1


@pytest.mark.parametrize("options", [{"enlarged": 2.5, "square": True}, {"vignette": True}, {"lens": 0.02}])
def test_another_camera_makes_no_difference(options: dict[str, float]) -> None:
    first = lesion(7).crop((0, 30, SIZE, SIZE - 30))
    second = warped(first, np.random.default_rng(7), **options)  # type: ignore[arg-type]
    found = register(first, second.picture)
    assert found.matrix is not None
    assert displacement(found.matrix, second.matrix, first.size) < 2


def test_a_lesion_that_grew_is_not_shrunk_back() -> None:
    seed = 2
    first = lesion(seed, kind="nevus", size=384)
    second = warped(lesion(seed, kind="nevus", size=384, growth=1.2), np.random.default_rng(seed))
    found = register(first, second.picture)
    assert found.held_by is HeldBy.SKIN and found.matrix is not None
    assert displacement(found.matrix, second.matrix, first.size) < 1
    # An area measured in the second picture and brought to the first is right within one percent.
    assert np.linalg.det(found.matrix[:2, :2]) == pytest.approx(np.linalg.det(second.matrix[:2, :2]), rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_another_lesion_is_refused(seed: int) -> None:
    found = register(lesion(seed), warped(lesion(seed + 20), np.random.default_rng(seed)).picture)
    assert not found.accepted
    assert found.matrix is None and found.held_by is None
    assert found.quality < LEAST_QUALITY


def test_a_round_smooth_spot_is_refused_since_it_lies_equally_well_whichever_way_it_is_turned() -> None:
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    spot = 200 - 110 / (1 + np.exp((np.hypot(x, y) - 0.22) / 0.02))
    rng = np.random.default_rng(1)
    pictures = [
        Image.fromarray(np.clip(spot + rng.normal(0, 2, spot.shape), 0, 255).astype(np.uint8)).convert("RGB")
        for _ in range(2)
    ]
    assert not register(*pictures).accepted


@pytest.mark.parametrize("size", [(SIZE, SIZE), (600, 40)])
def test_a_picture_that_shows_nothing_or_is_a_strip_is_refused(size: tuple[int, int]) -> None:
    found = register(Image.new("RGB", size, (190, 150, 130)), lesion(1))
    assert (found.accepted, found.quality, found.matrix) == (False, 0.0, None)


def test_the_second_image_is_drawn_in_the_frame_of_the_first() -> None:
    first = lesion(5)
    second = warped(first, np.random.default_rng(5), enlarged=2.0).picture
    shown = aligned(register(first, second), second, first.size)
    assert shown.size == first.size
    middle = (SIZE // 4, SIZE // 4, 3 * SIZE // 4, 3 * SIZE // 4)
    here, there = (np.asarray(picture.crop(middle).convert("L"), np.float64).ravel() for picture in (first, shown))
    assert np.corrcoef(here, there)[0, 1] > 0.8
    with pytest.raises(ValueError, match="refused"):
        aligned(register(first, lesion(30)), second, first.size)
