"""When a model is not to be believed: what its pictures are like, fitted and chosen on the splits of its run.

Only pictures of lesions are needed. A picture of something else is one that is unlike them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from core.vision.model_file import CertaintyLimits
from core.vision.preprocess import Pixels
from core.vision.quality import QualityLimits, measure
from training.calibrate import lower_bound
from training.network import Watch

Floats = npt.NDArray[np.floating]

REFUSED, STRANGE, UNCLEAR = 0.01, 0.05, 0.10
"""Shares of the validation split that are refused for being too strange, that are strange at all, and whose highest
probability is too low to be an answer."""

OF_EACH_SOURCE = 1500
"""Images of each source that the watch is fitted on, at most, so that no camera counts for many times another."""

MARGIN = 0.5
"""A picture is spoilt where a figure of its quality is this many times the most extreme one learned from. Those the
model learned from are all readable, so the limits lie well outside of them."""


def choose_familiar(sources: Sequence[str], *, seed: int) -> npt.NDArray[np.intp]:
    """Which images the watch is fitted on: of each source `OF_EACH_SOURCE`, by chance, or all that it has."""
    generator = np.random.default_rng(seed)
    names = np.array(sources, dtype=object)
    picked = [generator.permutation(np.flatnonzero(names == name))[:OF_EACH_SOURCE] for name in sorted(set(sources))]
    return np.sort(np.concatenate(picked))


def choose_limits(*, pixels: Pixels, strangeness: Floats, confidence: Floats) -> CertaintyLimits:
    """The limits that go into a model's JSON.

    Args:
        pixels: uint8 [N, S, S, 3], of the images that the model learned from.
        strangeness, confidence: [M], of the validation split: the watch's figure and the highest probability.
    """
    quality = [measure(picture) for picture in pixels]
    return CertaintyLimits(
        quality=QualityLimits(
            darkest=_rounded(MARGIN * min(one.brightness for one in quality)),
            brightest=_rounded(1 - MARGIN * (1 - max(one.brightness for one in quality))),
            flattest=_rounded(MARGIN * min(one.contrast for one in quality)),
            blurriest=_rounded(MARGIN * min(one.focus for one in quality)),
        ),
        strange_from=_rounded(-lower_bound(-strangeness, share=STRANGE)),
        refused_from=_rounded(-lower_bound(-strangeness, share=REFUSED)),
        unclear_below=_rounded(lower_bound(confidence, share=UNCLEAR)),
    )


def strangeness_of(watch: Watch, statistics: Floats) -> Floats:
    """The watch's figure, [N], of [N, F]."""
    with torch.inference_mode():
        figures: Floats = watch(torch.from_numpy(statistics)).numpy()
    return figures


def _rounded(value: float) -> float:
    return round(float(value), 4)
