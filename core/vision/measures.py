"""What can be measured of a lesion from its pixels and its mask: size, shape and colour.

All of it is taken at a longest side of `SIDE` pixels, and sizes are given back in those of the image. Colours are
CIELAB (D65) of the image as it is: they follow the camera's white balance and the light, so they compare within
one device. The scores of the ABCD rule that build on this are in `core.vision.abcd`.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist
from skimage.measure import find_contours

from core.vision.outline import Mask

SIDE = 384
"""Longest side in pixels at which everything is measured."""

FOLDED = 128
"""Side in pixels of the square in which a lesion is turned and folded."""

ANGLES = np.arange(0, 90, 7.5)
"""Degrees of the first axis that folding tries; the second stands at right angles to it."""

Floats: TypeAlias = npt.NDArray[np.float64]


def to_lab(pixels: npt.NDArray[np.uint8]) -> Floats:
    """CIELAB (D65), L* from 0 to 100, of sRGB pixels, uint8 (rows, columns, 3)."""
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float64)


@dataclass(frozen=True)
class Folding:
    """A lesion folded along two axes at right angles, as the ABCD rule bisects it.

    Attributes:
        angle: of the first axis, degrees from the horizontal.
        shape: per axis, 0..1: the area that finds no partner on the other side, over twice the lesion's area.
        colour: per axis, the mean CIELAB difference between partners.
    """

    angle: float
    shape: tuple[float, float]
    colour: tuple[float, float]


class Lesion:
    """One lesion's pixels and mask, ready to be measured; each measure is taken when it is first asked for."""

    def __init__(self, image: Image.Image, mask: Mask) -> None:
        """Take an RGB image and its mask, (height, width) of the same size. Raises ValueError for an empty mask."""
        if mask.shape != image.size[::-1]:
            raise ValueError(f"the mask is {mask.shape[::-1]} and the image {image.size}")
        if not mask.any():
            raise ValueError("there is no lesion in the mask")
        self.size = image.size
        self.pixels_in_lesion = int(mask.sum())
        self.factor = max(image.size) / SIDE
        """Pixels of the image to one of the pixels that are measured on."""
        width, height = (max(1, round(side / self.factor)) for side in image.size)
        small = image.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
        self.soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        self.mask: Mask = self.soft >= min(0.5, float(self.soft.max()))
        self.lab = to_lab(np.asarray(small))
        self._lab32, self._mask32 = self.lab.astype(np.float32), self.mask.astype(np.float32)

    @property
    def area(self) -> float:
        """Pixels of the image inside the outline."""
        return float(self.pixels_in_lesion)

    @cached_property
    def border(self) -> Floats:
        """The outline as (N, 2) points (x, y) in measured pixels, closed, smoothed over 1.5 % of its own diameter.

        Without smoothing, the length of a border of pixels grows with their number (Mandelbrot 1967).
        """
        sigma = max(0.7, 0.015 * 2 * float(np.sqrt(self.soft.sum() / np.pi)))
        edge = int(4 * sigma) + 2
        smooth = cv2.GaussianBlur(np.pad(self.soft, edge), (0, 0), sigma)
        contours = find_contours(smooth, min(0.5, 0.9 * float(smooth.max())))  # type: ignore[no-untyped-call]
        longest = max(contours, key=len)
        return np.asarray(longest[:, ::-1] - edge + 0.5, dtype=np.float64)

    @cached_property
    def diameter(self) -> float:
        """The longest diameter in pixels of the image: the largest distance of two border points (Feret 1930)."""
        points = self.border
        with suppress(QhullError):
            points = points[ConvexHull(points).vertices]
        return float(pdist(points).max()) * self.factor

    @cached_property
    def compactness(self) -> float:
        """Border irregularity: perimeter² over 4 pi area, 1 for a circle and more for anything else.

        The isoperimetric quotient turned over; Golston et al. 1992 (Comput Med Imaging Graph 16:199) use it for skin
        tumours. Perimeter and area are those of the smoothed border.
        """
        steps = np.diff(self.border, axis=0)
        x, y = self.border[:-1].T
        area = abs(float((x * steps[:, 1] - y * steps[:, 0]).sum())) / 2
        return float(np.hypot(*steps.T).sum() ** 2 / (4 * np.pi * area))

    @cached_property
    def folding(self) -> Folding:
        """The lesion folded along the two axes that leave the least over.

        The axes go through the centroid, and are those of `ANGLES` with the smallest sum of both remainders: the ABCD
        rule places them "to produce the lowest possible asymmetry score" (Nachbar et al. 1994, J Am Acad Dermatol
        30:551). Principal axes would be arbitrary for a lesion as wide as long. Both halves of the remainder are
        counted, hence twice the area (Stoecker et al. 1992, Comput Med Imaging Graph 16:191).
        """
        turns = [self._turned(float(angle)) for angle in ANGLES]
        insides = [cv2.warpAffine(self._mask32, turn, (FOLDED, FOLDED)) >= 0.5 for turn in turns]
        shapes = [
            [float((inside ^ np.flip(inside, axis)).sum() / (2 * inside.sum())) for axis in (0, 1)]
            for inside in insides
        ]
        best = int(np.argmin(np.sum(shapes, axis=1)))
        lab = cv2.GaussianBlur(cv2.warpAffine(self._lab32, turns[best], (FOLDED, FOLDED)), (0, 0), FOLDED / 64)
        colour = []
        for axis in (0, 1):
            both = insides[best] & np.flip(insides[best], axis)
            difference = np.linalg.norm((lab - np.flip(lab, axis))[both], axis=1)
            colour.append(float(difference.mean()) if len(difference) else 0.0)
        return Folding(float(ANGLES[best]), (shapes[best][0], shapes[best][1]), (colour[0], colour[1]))

    @property
    def asymmetry(self) -> float:
        """0..1: the mean remainder of both folds. A circle, an ellipse or a square has 0."""
        return sum(self.folding.shape) / 2

    @cached_property
    def colours(self) -> Floats:
        """CIELAB (L*, a*, b*) of the pixels of the lesion, (N, 3)."""
        return np.asarray(self.lab[self.mask])

    @cached_property
    def variegation(self) -> float:
        """How much colour varies: root of the mean squared CIELAB difference (CIE76) from the lesion's mean colour."""
        return float(np.sqrt(self.colours.var(axis=0).sum()))

    @cached_property
    def lightness(self) -> float:
        """Mean L* of the lesion, 0 (black) to 100 (white)."""
        return float(self.colours[:, 0].mean())

    @cached_property
    def skin(self) -> Floats | None:
        """Median CIELAB of the skin around, a ring of a quarter of the lesion's width; None where the frame is full.

        It starts a little outside, where a faint border no longer colours it.
        """
        outside = cv2.distanceTransform((~self.mask).astype(np.uint8), cv2.DIST_L2, 5)
        width = float(np.sqrt(self.mask.sum() / np.pi)) * 2
        ring = self.lab[(outside > 0.08 * width) & (outside < 0.33 * width)]
        return np.median(ring, axis=0) if len(ring) >= 20 else None

    def _turned(self, angle: float) -> npt.NDArray[np.float64]:
        """The 2x3 matrix that turns the lesion by `angle` degrees about its centroid and fits it into the square."""
        (x, y), reach = self._middle
        turn = cv2.getRotationMatrix2D((x, y), angle, FOLDED / (2 * reach))
        turn[:, 2] = turn[:, 2] + (FOLDED - 1) / 2 - (x, y)
        return np.asarray(turn, dtype=np.float64)

    @cached_property
    def _middle(self) -> tuple[tuple[float, float], float]:
        """The centroid, and how far from it the lesion reaches, in measured pixels."""
        rows, columns = np.nonzero(self.mask)
        x, y = float(columns.mean()), float(rows.mean())
        return (x, y), float(np.hypot(columns - x, rows - y).max()) + 2
