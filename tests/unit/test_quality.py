"""What is measured of a picture before it is read, on pictures of known light and focus."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.demo.lesion_images import draw_lesion
from core.vision.preprocess import Pixels, to_square
from core.vision.quality import Quality, QualityLimits, measure

LIMITS = QualityLimits(darkest=0.1, brightest=0.95, flattest=0.02, blurriest=0.05)


def plain(level: int) -> Pixels:
    return np.full((64, 64, 3), level, dtype=np.uint8)


def lesion(*, blur: float = 0.0) -> Pixels:
    drawn = draw_lesion(seed=1, size=300, kind="nevus")
    return to_square(drawn.filter(ImageFilter.GaussianBlur(blur)), size=128)


def test_brightness_goes_from_black_to_white() -> None:
    assert measure(plain(0)).brightness == 0
    assert measure(plain(255)).brightness == pytest.approx(1, abs=1e-4)
    assert measure(plain(51)).brightness == pytest.approx(0.2, abs=1e-4)


def test_a_plain_picture_has_neither_contrast_nor_focus() -> None:
    assert measure(plain(128)) == Quality(brightness=pytest.approx(128 / 255, abs=1e-4), contrast=0.0, focus=0.0)


def test_contrast_of_half_black_and_half_white() -> None:
    halves = plain(0)
    halves[:, 32:] = 255
    assert measure(halves).contrast == pytest.approx(0.5, abs=1e-3)


def test_the_finer_the_detail_the_higher_the_focus() -> None:
    focus = [measure(lesion(blur=blur)).focus for blur in (0, 2, 6, 15)]
    assert focus == sorted(focus, reverse=True)
    assert focus[0] > 3 * focus[-1]


def test_noise_has_more_fine_detail_than_any_picture() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert measure(noise).focus > 3 > measure(lesion()).focus


@pytest.mark.parametrize(
    ("spoilt", "word"),
    [(plain(5), "dark"), (plain(252), "bright"), (plain(128), "one colour"), (lesion(blur=30), "blur")],
)
def test_each_concern_is_named(spoilt: Pixels, word: str) -> None:
    limits = LIMITS.model_copy(update={"flattest": 0.0}) if word == "blur" else LIMITS
    concern = limits.concern(measure(spoilt))
    assert concern is not None
    assert word in concern


def test_a_good_picture_raises_no_concern() -> None:
    assert LIMITS.concern(measure(lesion())) is None
    assert Image.fromarray(lesion()).size == (128, 128)
