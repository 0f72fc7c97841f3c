"""The drawn lesions: always the same, and changing the way that a lesion does."""

import numpy as np
import pytest
from PIL import Image

from core import taxonomy
from core.demo.lesion_images import LOOKS, draw_lesion


def dark_share(image: Image.Image) -> float:
    """The share of the picture that is clearly darker than its skin, which the corners show."""
    grey = np.asarray(image.convert("L"), np.float32)
    skin = np.median(grey[: len(grey) // 8])
    return float((grey < 0.8 * skin).mean())


def test_the_same_arguments_draw_the_same_picture() -> None:
    one, other = (draw_lesion(seed=4, size=128, growth=1.2, kind="melanoma", visit=3) for _ in range(2))
    assert one.mode == "RGB" and one.size == (128, 128)
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind", LOOKS)
def test_every_kind_is_a_diagnosis_and_shows_a_lesion_on_skin(kind: str) -> None:
    assert taxonomy.term(kind)
    assert 0.02 < dark_share(draw_lesion(seed=1, size=160, kind=kind)) < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_growth_enlarges_the_same_lesion(seed: int) -> None:
    shares = [dark_share(draw_lesion(seed=seed, size=160, growth=growth)) for growth in (1, 1.2, 1.4)]
    assert shares[0] * 1.15 < shares[1] < shares[2] / 1.1


def test_another_visit_is_another_picture_of_the_same_lesion() -> None:
    first, later, other = (draw_lesion(seed=s, size=160, visit=v) for s, v in ((1, 0), (1, 1), (2, 0)))

    def likeness(image: Image.Image) -> float:
        blurred = (np.asarray(picture.convert("L").resize((20, 20)), np.float32).ravel() for picture in (first, image))
        return float(np.corrcoef(*blurred)[0, 1])

    assert first.tobytes() != later.tobytes()
    assert likeness(later) > 0.9 > likeness(other)


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        draw_lesion(seed=1, kind="freckle")
