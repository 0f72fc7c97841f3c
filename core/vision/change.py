"""How a lesion changed between two images, and how far each measure can be trusted.

A measure is taken again on copies of the image that differ as two photographs of one day would: a little turned,
shifted and zoomed, in slightly other light, the outline drawn a little wider or closer. Their spread is its
uncertainty, and a difference is called a change only where it is larger than the uncertainty of the difference.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.vision import abcd
from core.vision.measures import Lesion
from core.vision.outline import Outline, Outliner, Polygon, fill

COPIES = 10
"""How often each image is measured again."""

NORMAL_95 = 1.96

HAND = 0.015
"""Standard deviation of an outline drawn by hand, in widths of the lesion (assumed: nobody has measured ours)."""

SCALE_ERROR = 0.01
"""Standard deviation, relative, of a length carried from one image to another, by registration or two scales."""

_COPY_SIDE = 512


@dataclass(frozen=True)
class Quantity:
    """Something measured of a lesion.

    Attributes:
        name: its key in JSON and in the records.
        title: what a page calls it.
        of: takes the measure.
        power: of length in its unit: 2 for an area, 1 for a length, 0 for what does not depend on the image's scale.
        least: the standard deviation is never taken as less: of scores in whole numbers, which may agree ten times in a
            row and jump at the eleventh.
        decimals: how many are written, in mm for a size; 0 for scores, whose differences have one where they need it.
    """

    name: str
    title: str
    of: Callable[[Lesion], float]
    power: int = 0
    least: float = 0.0
    decimals: int = 1

    def written(self, value: float) -> str:
        """A value, an uncertainty or a difference as people read it, without its unit."""
        if not np.isfinite(value):
            return "unknown"
        return f"{value:,.{self.decimals}f}" if self.decimals else f"{value:.1f}".removesuffix(".0")


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("area", "Area", lambda lesion: lesion.area, power=2),
    Quantity("diameter", "Longest diameter", lambda lesion: lesion.diameter, power=1),
    Quantity("asymmetry", "Asymmetry", lambda lesion: lesion.asymmetry, least=0.005, decimals=3),
    Quantity("compactness", "Border irregularity", lambda lesion: lesion.compactness, least=0.01, decimals=2),
    Quantity("variegation", "Colour variegation", lambda lesion: lesion.variegation, least=0.2),
    Quantity("abcd_asymmetry", "A: asymmetry", abcd.asymmetry_score, least=0.5, decimals=0),
    Quantity("abcd_border", "B: abrupt border", abcd.border_score, least=0.5, decimals=0),
    Quantity("abcd_colours", "C: colours", lambda lesion: max(1, len(abcd.colours_of(lesion))), least=0.5, decimals=0),
)
"""Everything that is measured, in the order in which it is shown. Sizes are in pixels of the image."""


@dataclass(frozen=True)
class Measured:
    """One lesion in one image: each quantity's value, and its 95 % uncertainty, by the quantity's name."""

    values: Mapping[str, float]
    uncertainties: Mapping[str, float]


@dataclass(frozen=True)
class Change:
    """One quantity in two images, sizes in pixels of the first.

    Attributes:
        second: None where the two do not compare: a size where no scale carries it over.
        difference: second less first.
        uncertainty: of the difference, at 95 %.
        changed: whether the difference is larger than that; None where there is none.
    """

    name: str
    first: float
    second: float | None
    difference: float | None
    uncertainty: float | None
    changed: bool | None


def measure(image: Image.Image, polygon: Polygon) -> dict[str, float]:
    """Each quantity of the lesion that `polygon` outlines, by name. Raises ValueError for a polygon without area."""
    lesion = Lesion(image, fill(polygon, size=image.size))
    return {quantity.name: float(quantity.of(lesion)) for quantity in QUANTITIES}


def remeasure(outliner: Outliner, image: Image.Image, outline: Outline) -> Measured:
    """Measure a lesion that the network outlined, and its uncertainty from copies that the network outlines again.

    Copies are turned by up to 8 degrees, shifted by up to 2 % and zoomed by up to 5 %, mirrored beyond the edge; light
    changes by up to 7 %, each channel by up to 2 %; the threshold moves by up to 0.1. Raises ValueError without a
    lesion.
    """
    small = _shrunk(image)
    copies = list(_copies(small, seed=0))
    thresholds = np.linspace(-0.1, 0.1, COPIES) + outliner.file.threshold
    found: list[dict[str, float]] = []
    for (copy, zoom), threshold in zip(copies, thresholds, strict=True):
        polygon = outliner.outline(copy, threshold=float(threshold)).polygon
        if polygon:
            to_image = max(image.size) / max(small.size) / zoom
            found.append(_scaled(measure(copy, polygon), to_image))
    return _measured(measure(image, outline.polygon), found, outliner.file.coverage)


def remeasure_by_hand(image: Image.Image, polygon: Polygon) -> Measured:
    """The same for an outline drawn by hand: copies differ in light, and in where the hand drew the line.

    Around the lesion the line strays smoothly, by `HAND` of its width. Raises ValueError for a polygon without area.
    """
    small = _shrunk(image)
    factor = max(image.size) / max(small.size)
    corners = np.array(polygon) / factor
    middle = corners.mean(axis=0)
    turn = np.arctan2(*(corners - middle).T[::-1])
    reach = np.maximum(np.linalg.norm(corners - middle, axis=1), 1e-6)
    width = 2 * np.sqrt(fill([*map(tuple, corners)], size=small.size).sum() / np.pi)
    random = np.random.default_rng(0)
    found = []
    for _ in range(COPIES):
        waves = np.stack([wave(order * turn) for order in (1, 2, 3) for wave in (np.cos, np.sin)])
        stray = random.normal(size=6) @ waves / np.sqrt(2 * 3) + random.normal() / np.sqrt(2)
        moved = middle + (corners - middle) * (1 + HAND * width * stray / reach)[:, None]
        copy = _relit(np.asarray(small), random)
        found.append(_scaled(measure(copy, tuple(map(tuple, moved))), factor))
    return _measured(measure(image, polygon), found, {})


def change(
    first: Measured, second: Measured, *, scale: float | None = None, scale_error: float = SCALE_ERROR
) -> list[Change]:
    """What changed from one image to another, a line per quantity.

    `scale` is how many pixels of the first image one pixel of the second is long (`scale_of` finds it from a matrix;
    two scales in mm per pixel give their ratio); without it sizes do not compare. Its relative standard deviation
    adds to the uncertainty of lengths once and to that of areas twice.
    """
    changes = []
    for quantity in QUANTITIES:
        name = quantity.name
        before = first.values[name]
        if quantity.power and scale is None:
            changes.append(Change(name, before, None, None, None, None))
            continue
        factor = (scale or 1.0) ** quantity.power
        after = second.values[name] * factor
        parts = (
            first.uncertainties[name],
            second.uncertainties[name] * factor,
            NORMAL_95 * quantity.power * scale_error * after,
        )
        uncertainty = float(np.sqrt(np.square(parts).sum()))
        changes.append(Change(name, before, after, after - before, uncertainty, abs(after - before) > uncertainty))
    return changes


def scale_of(matrix: npt.NDArray[np.float64], *, at: tuple[float, float]) -> float:
    """How many pixels of image A a pixel of image B is long, around the point `at` (x, y) of B.

    `matrix`, 3x3, takes pixel coordinates of B to those of A; the answer is the root of its Jacobian determinant's
    absolute value: for a similarity the same everywhere.
    """
    x, y, w = matrix @ (*at, 1.0)
    jacobian = (matrix[:2, :2] - np.outer((x / w, y / w), matrix[2, :2])) / w
    return float(np.sqrt(abs(np.linalg.det(jacobian))))


@cache
def quantity(name: str) -> Quantity:
    """The quantity of that name. Raises KeyError."""
    return {quantity.name: quantity for quantity in QUANTITIES}[name]


def _measured(values: dict[str, float], copies: list[dict[str, float]], coverage: Mapping[str, float]) -> Measured:
    uncertainties = {}
    for quantity in QUANTITIES:
        name = quantity.name
        again = [copy[name] for copy in copies]
        # Where the network loses the lesion in most copies, nothing can be said of how far it may be off.
        spread = float(np.std(again, ddof=1)) if len(again) > COPIES // 2 else float("inf")
        uncertainties[name] = max(spread, quantity.least) * coverage.get(name, NORMAL_95)
    return Measured(values, uncertainties)


def _scaled(values: dict[str, float], factor: float) -> dict[str, float]:
    return {name: value * factor ** quantity(name).power for name, value in values.items()}


def _shrunk(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((_COPY_SIDE, _COPY_SIDE), reducing_gap=2.0)
    return small


def _copies(image: Image.Image, *, seed: int) -> Iterator[tuple[Image.Image, float]]:
    """Copies of the image, and how much each is zoomed."""
    random = np.random.default_rng(seed)
    width, height = image.size
    pixels = np.asarray(image)
    for _ in range(COPIES):
        zoom = float(np.exp(random.uniform(-0.05, 0.05)))
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-8, 8), zoom)
        turn[:, 2] = turn[:, 2] + random.uniform(-0.02, 0.02, size=2) * np.array(image.size)
        warped = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
        yield _relit(warped, random), zoom


def _relit(pixels: npt.NDArray[Any], random: np.random.Generator) -> Image.Image:
    gain = random.uniform(0.93, 1.07) * random.uniform(0.98, 1.02, size=3)
    return Image.fromarray(np.clip(pixels * gain, 0, 255).astype(np.uint8))
