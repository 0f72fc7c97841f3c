"""The parts of a registration: fits guessed by features and by trying out, the correlation of one, its refinement.

A fit is a 3x3 matrix that takes coordinates of the second picture to those of the first, at one level of both.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft

from core.vision.registration_view import COARSE, Features, Level, Matrix, Plane, View

LEAST_OVERLAP = 0.3
"""Of the smaller picture's part that can be compared, as the pictures lie over each other."""

LARGEST_SCALE = 2.5
"""No fit enlarges or reduces the second picture more than this."""

_SCALES = tuple(1.2**step for step in range(-3, 4))
_TURN = 10
"""Degrees from one try to the next; a refinement mends half of that."""

_CANVAS = 128
"""Side in pixels of the square in which pictures of COARSE are laid over each other."""


def at(matrix: Matrix, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where `points` (n, 2), x and y, come to lie."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def scale_of(matrix: Matrix) -> float:
    """How much a fit enlarges: the square root of what it does to an area."""
    return float(abs(np.linalg.det(matrix[:2, :2])) ** 0.5)


def corners(level: Level) -> npt.NDArray[np.float64]:
    """(4, 2), x and y of a level's corners."""
    height, width = level.plane.shape
    return np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], np.float64)


def by_features(first: Features, second: Features, rng_seed: int = 0) -> Matrix | None:
    """The similarity that most matching features agree on (RANSAC), in coordinates of the views; None where none do.

    Needs at least 5 matches of which 4 agree: far fewer than prove anything, since every fit is judged by correlation.
    """
    if min(len(first.points), len(second.points)) < 5:
        return None
    matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(second.descriptors, first.descriptors, k=2)
    # Lowe's ratio, looser than his: skin repeats itself.
    good = [best for best, next_best in matches if best.distance < 0.85 * next_best.distance]
    if len(good) < 5:
        return None
    cv2.setRNGSeed(rng_seed)
    matrix, agree = cv2.estimateAffinePartial2D(
        second.points[[match.queryIdx for match in good]],
        first.points[[match.trainIdx for match in good]],
        method=cv2.RANSAC,
        ransacReprojThreshold=5,
        maxIters=5000,
        confidence=0.999,
    )
    if matrix is None or agree.sum() < 4 or not _plausible(np.asarray(matrix, np.float64)):
        return None
    return np.vstack([matrix, [0, 0, 1]])


def on_skin(features: Features) -> Features:
    """Only the features away from the lesion."""
    chosen = features.on_skin
    return Features(features.points[chosen], features.descriptors[chosen], chosen[chosen])


def by_trying(first: View, second: View, *, most: int) -> list[Matrix]:
    """The most promising of all turns, sizes and shifts at COARSE, best first: correlated through Fourier transforms.

    It needs no features, so it also finds a lesion on smooth skin, or one that is blurred.
    """
    level, other = first.levels[COARSE], second.levels[COARSE]
    spectra = [np.conj(fft.rfft2(p, (_CANVAS, _CANVAS))) for p in (level.plane, level.plane**2, level.mask)]
    tries = sorted(_tries(level, other, spectra), key=lambda attempt: -attempt[0])
    box, found = corners(other), list[Matrix]()
    for _, matrix in tries:
        here = at(matrix, box)
        if all(np.abs(here - at(one, box)).max() > 0.12 * COARSE for one in found):
            found.append(matrix)
        if len(found) == most:
            break
    return found


def _tries(level: Level, other: Level, spectra: list[npt.NDArray[np.complex64]]) -> Iterator[tuple[float, Matrix]]:
    """For each turn and size the two best shifts, with their correlation (less where the overlap is small)."""
    middle = corners(level).mean(axis=0)
    other_middle = corners(other).mean(axis=0)
    for scale in _SCALES:
        for degrees in range(0, 360, _TURN):
            turned = cv2.getRotationMatrix2D(tuple(other_middle), degrees, scale)
            turned[:, 2] += (_CANVAS - 1) / 2 - other_middle
            plane = np.asarray(cv2.warpAffine(other.plane, turned, (_CANVAS, _CANVAS)), np.float32)
            mask = np.asarray(
                cv2.warpAffine(other.mask, turned, (_CANVAS, _CANVAS), flags=cv2.INTER_NEAREST), np.float32
            )
            likeness = _correlated(spectra, plane, mask, least=min(float(level.mask.sum()), float(mask.sum())))
            for _ in range(2):
                y, x = divmod(int(likeness.argmax()), _CANVAS)
                value = float(likeness[y, x])
                likeness[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6] = -1
                matrix = np.vstack([turned, [0, 0, 1]])
                # Shifts count round the canvas: of those that are equal there, the one that lays middle near middle.
                off = np.array([(_CANVAS - 1) / 2 - x, (_CANVAS - 1) / 2 - y]) - middle
                matrix[:2, 2] -= [x, y] + np.round(off / _CANVAS) * _CANVAS
                yield value, matrix


def _correlated(
    spectra: list[npt.NDArray[np.complex64]], plane: Plane, mask: Plane, *, least: float
) -> npt.NDArray[np.float32]:
    """The correlation at every shift, over what both masks show (Padfield 2012, for planes whose mean is 0)."""
    values, squares, shown = spectra
    seen, covered, power = fft.rfft2(np.stack([plane, mask, plane * plane]))
    product, own, others, overlap = fft.irfft2(
        np.stack([seen * values, covered * squares, power * shown, covered * shown]), (_CANVAS, _CANVAS)
    )
    likeness = product / np.sqrt(np.maximum(own * others, 1e-6))
    likeness *= np.sqrt(np.clip(overlap / (2 * LEAST_OVERLAP * least + 1e-6), 0, 1))
    return np.where(overlap > LEAST_OVERLAP * least, likeness, -1).astype(np.float32)


def refined(
    first: Level, second: Level, matrix: Matrix, *, affine: bool = False, most: int = 15
) -> tuple[float, Matrix] | None:
    """Climb from a fit to the best one near it; its correlation and itself. None where too little lies over each other.

    ECC by forward additive steps (Evangelidis and Psarakis 2008, doi:10.1109/TPAMI.2008.113). OpenCV's own has no
    similarity, and an affine fit wanders off where a lesion has little structure; hence four parameters here, and six
    only where `affine` asks for them.
    """
    if not _plausible(matrix):
        return None
    height, width = first.plane.shape
    middle = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    slopes = [cv2.Scharr(second.plane, cv2.CV_32F, *way, scale=1 / 32) for way in ((1, 0), (0, 1))]
    stack = np.dstack([second.plane, *slopes, second.mask])
    # From the first picture, its middle at (0, 0), to the second: there the steps are taken.
    back: Matrix = np.asarray(np.linalg.inv(middle @ matrix), np.float64)
    best: tuple[float, Matrix] | None = None
    for turn in range(most + 1):
        if not _plausible(back):
            return best
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        plane, across, down, mask = np.moveaxis(
            cv2.warpAffine(stack, (back @ middle)[:2], (width, height), flags=how), -1, 0
        )
        both = (first.mask * mask) > 0.5
        if not _overlaps(first, second, matrix_of(back, middle), int(both.sum())):
            return best
        here, there = (values[both] - values[both].mean() for values in (first.plane, plane))
        correlation = _correlation(here, there)
        if best is not None and correlation < best[0] + 1e-4:
            if turn > 2:
                return best
        else:
            best = correlation, matrix_of(back, middle)
        back = back + _step(here, there, (x[both], y[both]), (across[both], down[both]), affine=affine)
    return best


def matrix_of(back: Matrix, middle: Matrix) -> Matrix:
    """The fit, from its inverse in coordinates about the first picture's middle."""
    return np.asarray(np.linalg.inv(back @ middle), np.float64)


def _plausible(matrix: Matrix) -> bool:
    return bool(1 / LARGEST_SCALE < scale_of(matrix) < LARGEST_SCALE)


def _overlaps(first: Level, second: Level, matrix: Matrix, pixels: int) -> bool:
    smaller = min(float(first.mask.sum()), float(second.mask.sum()) * scale_of(matrix) ** 2)
    return pixels > max(60.0, LEAST_OVERLAP * smaller)


def _correlation(here: Plane, there: Plane) -> float:
    length = float(np.linalg.norm(here) * np.linalg.norm(there))
    return float(here @ there) / length if length > 1e-6 else 0.0


def _step(here: Plane, there: Plane, place: tuple[Plane, Plane], slope: tuple[Plane, Plane], *, affine: bool) -> Matrix:
    """What to add to the inverse fit, by the paper's equations 16 to 18."""
    (x, y), (across, down) = place, slope
    if affine:
        slopes = np.stack([across * x, across * y, across, down * x, down * y, down], axis=1)
    else:
        slopes = np.stack([across * x + down * y, down * x - across * y, across, down], axis=1)
    slopes = slopes - slopes.mean(axis=0)
    gram = slopes.T @ slopes + 1e-6 * len(x) * np.eye(slopes.shape[1])
    of_here, of_there = slopes.T @ here, slopes.T @ there
    solved = np.linalg.solve(gram, of_there)
    below = float(here @ there - of_here @ solved)
    gain = float(there @ there - of_there @ solved) / below if below > 1e-9 else 1.0
    d = np.linalg.solve(gram, gain * of_here - of_there)
    rows = [d[:3], d[3:]] if affine else [[d[0], -d[1], d[2]], [d[1], d[0], d[3]]]
    return np.vstack([*rows, np.zeros(3)])
