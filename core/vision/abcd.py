"""The ABCD rule of dermoscopy, as far as pixels tell it.

Stolz et al. 1994 (Eur J Dermatol 4:521) and Nachbar et al. 1994 (J Am Acad Dermatol 30:551): asymmetry A from 0 to 2,
abrupt border B from 0 to 8, colours C from 1 to 6, differential structures D from 1 to 5, and the total dermoscopy
score TDS = 1.3 A + 0.1 B + 0.5 C + 0.5 D. The rule is for melanocytic lesions and for a clinician's eye. A, B and C are
estimated here with thresholds of our own, which were checked on drawn shapes only, not against clinicians; D is never
estimated, and so there is no total without a clinician.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from core.vision.measures import Lesion, to_lab

WEIGHTS = {"A": 1.3, "B": 0.1, "C": 0.5, "D": 0.5}
"""Of the four terms in the total."""

SUSPICIOUS, HIGHLY_SUSPICIOUS = 4.75, 5.45
"""A total of 4.75 to 5.45 is suspicious, above that highly suspicious of melanoma (Nachbar et al. 1994)."""

UNLIKE_IN_SHAPE, UNLIKE_IN_COLOUR = 0.10, 12.0
"""From which on an axis counts as asymmetric: share of the area without a partner, mean CIELAB difference (ours)."""

ABRUPT, CONTRAST = 0.6, 10.0
"""A segment's border is abrupt where this share of the step in lightness falls within 4 % of the lesion's width, and
where the step is at least this many units of L* (ours)."""

COLOUR_SHARE = 0.05
"""Share of the lesion from which on a colour counts (ours)."""

LIKE_SKIN = 10.0
"""CIELAB difference from the skin around below which a pixel counts as skin, not as a colour (ours)."""


class Colour(StrEnum):
    """The six colours of the rule."""

    WHITE = "white"
    RED = "red"
    LIGHT_BROWN = "light brown"
    DARK_BROWN = "dark brown"
    BLUE_GREY = "blue-grey"
    BLACK = "black"


REFERENCES: dict[Colour, tuple[int, int, int]] = {
    Colour.WHITE: (235, 225, 220),
    Colour.RED: (190, 70, 70),
    Colour.LIGHT_BROWN: (175, 120, 85),
    Colour.DARK_BROWN: (95, 55, 40),
    Colour.BLUE_GREY: (105, 115, 135),
    Colour.BLACK: (30, 25, 25),
}
"""What each looks like under a dermatoscope, in sRGB (ours; the rule names the colours and gives no values). A pixel
has the colour whose reference is the nearest in CIELAB."""

_REFERENCE_LAB = to_lab(np.array([list(REFERENCES.values())], dtype=np.uint8))[0]


@dataclass(frozen=True)
class Scores:
    """A, B and C of the rule.

    Attributes:
        asymmetry: 0 to 2, the axes of two along which shape or colour is unlike.
        border: 0 to 8, the eighths of the border where pigment ends abruptly.
        colours: those that cover at least `COLOUR_SHARE` of the lesion, in the order of `Colour`.
    """

    asymmetry: int
    border: int
    colours: tuple[Colour, ...]


def score(lesion: Lesion) -> Scores:
    """A, B and C of one lesion."""
    return Scores(asymmetry_score(lesion), border_score(lesion), colours_of(lesion))


def asymmetry_score(lesion: Lesion) -> int:
    """A: on how many of the two axes of `Lesion.folding` shape or colour differs. Structures are not looked at."""
    folding = lesion.folding
    pairs = zip(folding.shape, folding.colour, strict=True)
    return sum(shape > UNLIKE_IN_SHAPE or colour > UNLIKE_IN_COLOUR for shape, colour in pairs)


def border_score(lesion: Lesion) -> int:
    """B: in how many of eight segments around the centroid the pigment ends abruptly.

    In each segment L* is averaged over lines at one distance from the outline, from 12 % of the lesion's width inside
    to 12 % outside, in steps of 2 %.
    """
    inside = cv2.distanceTransform(lesion.mask.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~lesion.mask).astype(np.uint8), cv2.DIST_L2, 5)
    width = 2 * float(np.sqrt(lesion.mask.sum() / np.pi))
    step = np.floor((outside - inside) / (0.02 * width)).astype(np.int64)
    rows, columns = np.nonzero((step >= -6) & (step < 6))
    centre = np.argwhere(lesion.mask).mean(axis=0)
    angle = np.degrees(np.arctan2(rows - centre[0], columns - centre[1])) - lesion.folding.angle
    segment = (angle % 360 // 45).astype(np.int64) % 8
    index = segment * 12 + step[rows, columns] + 6
    counts = np.bincount(index, minlength=96).reshape(8, 12)
    totals = np.bincount(index, weights=lesion.lab[rows, columns, 0], minlength=96).reshape(8, 12)
    return sum(
        _abrupt(total / np.maximum(count, 1)) for total, count in zip(totals, counts, strict=True) if count.all()
    )


def _abrupt(profile: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bool:
    whole = float(profile[-2:].mean() - profile[:2].mean())
    steepest = float((profile[2:] - profile[:-2]).max())
    return whole >= CONTRAST and steepest >= ABRUPT * whole


def colours_of(lesion: Lesion) -> tuple[Colour, ...]:
    """The colours of the rule that the lesion has; C is their number, or 1 where it has none but its skin's."""
    shares = colour_shares(lesion)
    return tuple(colour for colour in Colour if shares[colour] >= COLOUR_SHARE)


def colour_shares(lesion: Lesion) -> dict[Colour, float]:
    """The share of the lesion (0..1) that each colour covers; what looks like the skin around counts for none."""
    pixels = lesion.colours
    difference = np.linalg.norm(pixels[:, None] - _REFERENCE_LAB[None], axis=2)
    nearest = difference.argmin(axis=1)
    if lesion.skin is not None:
        nearest[np.linalg.norm(pixels - lesion.skin, axis=1) < LIKE_SKIN] = len(REFERENCES)
    counts = np.bincount(nearest, minlength=len(REFERENCES) + 1)
    return {colour: float(counts[index] / len(pixels)) for index, colour in enumerate(REFERENCES)}


def total_dermoscopy_score(*, asymmetry: int, border: int, colours: int, structures: int) -> float:
    """TDS of four scores, `structures` being a clinician's. Raises ValueError for a score out of its range."""
    ranges = {"asymmetry": (asymmetry, 0, 2), "border": (border, 0, 8), "colours": (colours, 1, 6)}
    for name, (given, low, high) in (ranges | {"structures": (structures, 1, 5)}).items():
        if not low <= given <= high:
            raise ValueError(f"{name} goes from {low} to {high}, not {given}")
    scores = {"A": asymmetry, "B": border, "C": colours, "D": structures}
    return sum(WEIGHTS[term] * value for term, value in scores.items())
