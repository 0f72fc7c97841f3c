"""Whether a picture is good enough to be read: its light, its contrast, its focus.

Measured on the square that the network reads, so that one limit holds for cameras of any resolution. The limits stand
in the model's JSON, chosen on the images that it learned from.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.vision.preprocess import Pixels, Tensor

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

ROUNDING = 20 * float((LUMA**2).sum()) / 12 / 255**2
"""Mean square of the Laplacian that rounding to 8 bits makes by itself: the variance of a rounded value is 1/12, and
the squares of the Laplacian's weights sum to 20. It would hide how little else there is in a blurred picture."""


@dataclass(frozen=True)
class Quality:
    """What was measured of one picture.

    Attributes:
        brightness: mean luma, 0 (black) to 1 (white).
        contrast: standard deviation of the luma, 0 to 0.5.
        focus: root mean square of the luma's Laplacian (four neighbours), without what rounding makes of it, over the
            contrast: how much of what varies is fine detail. Near 0 for a blurred picture, above 4 for noise.
    """

    brightness: float
    contrast: float
    focus: float


class QualityLimits(BaseModel):
    """Between which bounds a picture is read; the units are those of `Quality`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    darkest: float
    brightest: float
    flattest: float
    blurriest: float

    def concern(self, quality: Quality) -> str | None:
        """What is wrong with a picture, as a sentence for the person who took it; None where nothing is."""
        if quality.brightness < self.darkest:
            return "This picture is too dark to be read."
        if quality.brightness > self.brightest:
            return "This picture is too bright to be read."
        if quality.contrast < self.flattest:
            return "This picture shows hardly anything: all of it has one colour."
        if quality.focus < self.blurriest:
            return "This picture is too blurred to be read."
        return None


def measure(pixels: Pixels) -> Quality:
    """Of a picture, uint8 [S, S, 3]."""
    luma: Tensor = pixels.astype(np.float32) @ (LUMA / np.float32(255))
    contrast = float(luma.std())
    inner = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    detail = max(float(np.mean(laplacian**2)) - ROUNDING, 0.0) ** 0.5
    return Quality(brightness=float(luma.mean()), contrast=contrast, focus=detail / contrast if contrast > 0 else 0.0)
