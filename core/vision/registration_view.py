"""What registration looks at in a picture: the fine structure of skin and lesion, without light, hair, dark corners.

Every picture is brought to one area, so that two of other sizes and shapes meet at about one scale. A plane is the
picture's grey between two sizes of detail, divided by how strong that is around each pixel: what is left does not
change with lighting, and faint skin furrows count as much as a lesion's sharp edge.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Matrix: TypeAlias = npt.NDArray[np.float64]
"""(3, 3), takes pixel coordinates (x, y, 1) of one picture to those of another; whole numbers are pixels' middles."""

Plane: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[np.uint8]

SIDE = 512
"""Square root of the area, in pixels, at which features are found."""

COARSE, MIDDLE, FINE = 64, 128, 256
"""Square roots of the areas at which pictures are compared, from a first search to the last refinement."""

LONGEST = 4
"""A picture longer than this many times its breadth is no picture of a lesion, and has too few pixels across."""

_FEATURES = 1500
_DETAIL = {COARSE: (1.0, 6.0, 12.0), MIDDLE: (1.0, 6.0, 12.0), FINE: (1.2, 6.0, 12.0)}
"""Of a plane, in pixels: its finest and coarsest detail (standard deviations), and how far around strength is taken."""

_SKIN_DETAIL = (1.0, 4.0, 8.0)
_FEATURE_DETAIL = (1.2, 5.0, 10.0)

_BLACK = 40
"""No channel of a pixel is brighter, of 255: a vignette, or what a rotation left empty, where it meets the edge."""

_HAIR = 25
"""A thin line at least this much darker than what lies on both sides of it may be a hair."""


@dataclass(frozen=True)
class Level:
    """A picture at one size.

    Attributes:
        plane: (height, width), the fine structure; 0 where `mask` is.
        mask: 1 where the picture is to be compared, 0 at hair, empty borders and dark corners.
        matrix: from coordinates of the view (area SIDE squared) to those of this level.
    """

    plane: Plane
    mask: Plane
    matrix: Matrix


@dataclass(frozen=True)
class Features:
    """`points` (n, 2), x and y in the view; `descriptors` (n, 128); `on_skin` (n,) whether away from the lesion."""

    points: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.float32]
    on_skin: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class View:
    """A picture as registration sees it; `matrix` takes coordinates of the picture to those of the view."""

    matrix: Matrix
    levels: dict[int, Level]
    skin: Level
    features: Features


def look_at(image: Image.Image) -> View:
    """Make the view of a picture. Raises ValueError for one that is longer than LONGEST times its breadth."""
    if max(image.size) > LONGEST * min(image.size):
        raise ValueError("the picture is too long and narrow to be compared")
    pixels = _resized(image)
    height, width = pixels.shape[:2]
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    inside = _inside(pixels, grey)
    hair = _hair(grey)
    if hair.any():
        grey = np.asarray(cv2.inpaint(grey, hair, 5, cv2.INPAINT_TELEA), np.uint8)
    clear = inside & (1 - hair)
    skin = clear & (1 - _dark_part(grey, inside))
    # In its logarithm, light that falls off is something added, which a plane leaves out.
    light = np.log1p(grey.astype(np.float32)) * 64
    return View(
        matrix=_resizing(image.size, (width, height)),
        levels={side: _level(light, inside, clear, side, _DETAIL[side]) for side in (COARSE, MIDDLE, FINE)},
        skin=_level(light, skin, skin, FINE, _SKIN_DETAIL),
        features=_features(light, clear, skin),
    )


def _resized(image: Image.Image) -> Pixels:
    share = SIDE / (image.width * image.height) ** 0.5
    size = round(image.width * share), round(image.height * share)
    how = Image.Resampling.BICUBIC if share > 1 else Image.Resampling.LANCZOS
    return np.asarray(image.convert("RGB").resize(size, how, reducing_gap=2.0), np.uint8)


def _resizing(before: tuple[int, int], after: tuple[int, int]) -> Matrix:
    """From coordinates of a picture of `before` (width, height) to those of the same picture resized to `after`."""
    x, y = after[0] / before[0], after[1] / before[1]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def _inside(pixels: Pixels, grey: Pixels) -> Pixels:
    """1 where there is a picture; 0 in black or quite uniform parts that meet its edge, and close to them."""
    near = np.ones((5, 5), np.uint8)
    flat = cv2.subtract(cv2.dilate(grey, near), cv2.erode(grey, near)) <= 1
    empty = ((pixels.max(axis=2) < _BLACK) | flat).astype(np.uint8)
    _, parts = cv2.connectedComponents(cv2.morphologyEx(empty, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)))
    at_edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    outside = np.isin(parts, at_edge[at_edge > 0]).astype(np.uint8)
    return np.asarray(1 - cv2.dilate(outside, np.ones((7, 7), np.uint8)), np.uint8)


def _hair(grey: Pixels) -> Pixels:
    """1 on dark lines that are long and thin (after Lee et al. 1997, DullRazor: by a closing, here one of a disc)."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    dark = (cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, disc) > _HAIR).astype(np.uint8)
    _, parts, about, _ = cv2.connectedComponentsWithStats(dark)
    wide, high, area = (about[:, which] for which in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    line = (np.maximum(wide, high) > 0.15 * SIDE) & (area < 0.35 * wide * high)
    line[0] = False
    return np.asarray(cv2.dilate(line[parts].astype(np.uint8), np.ones((5, 5), np.uint8)), np.uint8)


def _dark_part(grey: Pixels, inside: Pixels) -> Pixels:
    """1 where the lesion may be, by Otsu's threshold, and well around it: what lies beyond is skin."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 4)
    values = smooth[inside > 0]
    if not values.size:
        return np.ones_like(grey)
    threshold, _ = cv2.threshold(values.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)
    light = values[values > threshold]
    # Towards the skin, since the border of a lesion is soft.
    bound = threshold + 0.3 * (float(np.median(light)) - threshold) if light.size else 255.0
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    return np.asarray(cv2.dilate((smooth < bound).astype(np.uint8), around), np.uint8)


def _level(light: Plane, known: Pixels, compared: Pixels, side: int, detail: tuple[float, float, float]) -> Level:
    height, width = light.shape
    size = max(8, round(width * side / SIDE)), max(8, round(height * side / SIDE))

    def shrunk(mask: Pixels, share: float) -> Plane:
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return (small > share).astype(np.float32)

    inside = shrunk(known, 0.99)
    mask = inside * shrunk(compared, 0.6)
    plane = _structure(np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32), inside, detail)
    return Level(plane * mask, mask, _resizing((width, height), size))


def _structure(light: Plane, mask: Plane, detail: tuple[float, float, float]) -> Plane:
    """The difference of two blurs, divided by its strength around each pixel; only what `mask` shows is looked at."""
    finest, coarsest, around = detail

    def blurred(values: Plane, by: float) -> Plane:
        seen = cv2.GaussianBlur(mask, (0, 0), by, borderType=cv2.BORDER_REFLECT)
        blur = cv2.GaussianBlur(values * mask, (0, 0), by, borderType=cv2.BORDER_REFLECT)
        return np.asarray(blur / np.maximum(seen, 1e-3), np.float32)

    band = blurred(light, finest) - blurred(light, coarsest)
    strength = np.sqrt(np.maximum(blurred(band * band, around), 0))
    # Where there is next to nothing, noise is not blown up to the strength of the rest.
    least = 0.4 * np.sqrt((band * band * mask).sum() / max(float(mask.sum()), 1.0))
    return np.asarray(band / (strength + least + 1e-3) * mask, np.float32)


def _features(light: Plane, clear: Pixels, skin: Pixels) -> Features:
    """SIFT (Lowe 2004) of the fine structure, its descriptors as RootSIFT (Arandjelovic and Zisserman 2012)."""
    structure = _structure(light, clear.astype(np.float32), _FEATURE_DETAIL)
    shown = np.clip(structure * 60 + 128, 0, 255).astype(np.uint8)
    away = cv2.erode(clear, np.ones((11, 11), np.uint8))
    # Made anew each time: one detector must not be used by two threads at once.
    sift = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.02, edgeThreshold=20)
    found, descriptors = sift.detectAndCompute(shown, away * 255)
    if not found:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32), np.zeros(0, np.bool_))
    points = np.array([point.pt for point in found], np.float32)
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    column, row = np.rint(points).astype(int).T
    return Features(points, np.sqrt(descriptors / sums), skin[row, column] > 0)
