"""Lay one image of a lesion over another: which place in A shows what a place in B shows.

A similarity (turn, scale, shift), bent to an affine fit where that is clearly better, is guessed in two ways: from
features that both images share, and, where these do not do, by trying all turns, sizes and shifts. Every guess is
refined (ECC) and then judged by one figure, however it came about. What is not good enough is refused: an image that
lies wrongly over another misleads more than two that lie side by side.

The skin comes first. A lesion may have grown, and a fit by its outline would shrink it back to what it was; furrows,
pores and vessels of the skin around it stay. Only where the skin shows too little does the lesion itself hold the fit.

How well it does is measured by `python -m bench.registration`, and written down in docs/REGISTRATION.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from PIL import Image

from core.vision.registration_fit import at, by_features, by_trying, corners, on_skin, refined
from core.vision.registration_view import COARSE, FINE, MIDDLE, Level, Matrix, View, look_at

__all__ = ["LEAST_QUALITY", "HeldBy", "Matrix", "Registration", "aligned", "register", "register_views"]

LEAST_QUALITY = 0.4
"""A fit of lower quality is refused."""

LEAST_SKIN = 0.08
"""Share of an image in which skin must be seen for a fit to be held by it."""

CLEAR_LEAD = 0.1
"""A fit by the lesion whose correlation exceeds that of every fit elsewhere by so much is doubted no further."""

_TRIED = 8
_LOOKED_INTO = 3
_WORTH_BENDING = 0.02
"""An affine fit has to correlate by so much more than a similarity, which cannot shear a lesion by mistake."""


class HeldBy(StrEnum):
    """What two images were laid over each other by."""

    SKIN = "skin"
    LESION = "lesion"


@dataclass(frozen=True)
class Registration:
    """How image B lies over image A.

    Attributes:
        accepted: whether the fit may be used, and shown as one: `quality` is at least LEAST_QUALITY.
        quality: 0 to 1. Held by the skin: the correlation of both images' fine structure over the skin that both show.
            Held by the lesion: that over all that both show, times how far it exceeds the correlation of the next best
            fit elsewhere as a share of CLEAR_LEAD, at most 1: a round and smooth lesion lies equally well whichever way
            it is turned. Of a refused pair, that of the best try.
        matrix: takes pixel coordinates (x, y) of B to those of A, whole numbers being pixels' middles. None if refused.
        held_by: by the skin, and a lesion that grew shows as grown; by the lesion, and growth cannot be told from a
            larger magnification. None if refused.
    """

    accepted: bool
    quality: float
    matrix: Matrix | None = None
    held_by: HeldBy | None = None

    @property
    def tells_growth(self) -> bool:
        """Whether sizes in A and B compare by `matrix`: only where the skin holds it, which does not grow."""
        return self.accepted and self.held_by is HeldBy.SKIN


def register(first: Image.Image, second: Image.Image) -> Registration:
    """How `second` lies over `first`, RGB images of any sizes. The same two images always give the same answer."""
    try:
        views = look_at(first), look_at(second)
    except ValueError:
        return Registration(accepted=False, quality=0.0)
    return register_views(*views)


def register_views(first: View, second: View) -> Registration:
    """The same, of what registration sees of two images: for whoever compares one with many."""
    guesses = [
        guess
        for guess in (
            by_features(on_skin(first.features), on_skin(second.features)),
            by_features(first.features, second.features),
        )
        if guess is not None
    ]
    by_skin = _best_by_skin(first, second, guesses)
    if by_skin is not None and by_skin[0] >= LEAST_QUALITY:
        return _registration(first, second, *by_skin, HeldBy.SKIN)
    whole = _by_everything(first, second, guesses)
    if not whole:
        return Registration(accepted=False, quality=0.0)
    again = _best_by_skin(first, second, [fit for _, fit in whole])
    if again is not None and again[0] >= LEAST_QUALITY:
        return _registration(first, second, *again, HeldBy.SKIN)
    correlation, fit = whole[0]
    lead = correlation - max((other for other, _ in whole[1:]), default=0.0)
    return _registration(first, second, correlation * min(1.0, lead / CLEAR_LEAD), fit, HeldBy.LESION)


def aligned(registration: Registration, second: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`second` laid over the first image, whose `size` (width, height) it gets; black where it shows nothing.

    Raises ValueError where the fit was refused.
    """
    if registration.matrix is None:
        raise ValueError("the fit was refused")
    pixels = np.asarray(second.convert("RGB"))
    # Each pixel of what is made smaller is averaged, by halves of the blur that the change of size asks for.
    shrinks = 1 / abs(np.linalg.det(registration.matrix[:2, :2])) ** 0.5
    if shrinks > 1:
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.5 * shrinks)
    return Image.fromarray(cv2.warpAffine(pixels, registration.matrix[:2], size, flags=cv2.INTER_CUBIC))


def _registration(first: View, second: View, quality: float, fit: Matrix, held_by: HeldBy) -> Registration:
    """The answer for a fit in coordinates of the views."""
    quality = float(np.clip(quality, 0, 1))
    if quality < LEAST_QUALITY:
        return Registration(accepted=False, quality=quality)
    matrix = np.linalg.inv(first.matrix) @ fit @ second.matrix
    return Registration(accepted=True, quality=quality, matrix=matrix, held_by=held_by)


def _best_by_skin(first: View, second: View, guesses: list[Matrix]) -> tuple[float, Matrix] | None:
    """The best fit by the skin near any of `guesses`, with its correlation; None where too little skin is seen."""
    if min(first.skin.mask.mean(), second.skin.mask.mean()) < LEAST_SKIN:
        return None
    fits = [fit for guess in guesses if (fit := _climbed(first.skin, second.skin, guess))]
    best = max(fits, key=lambda fit: fit[0], default=None)
    return best and _bent(first.skin, second.skin, *best)


def _by_everything(first: View, second: View, guesses: list[Matrix]) -> list[tuple[float, Matrix]]:
    """Fits by skin and lesion together, best first, no two of which lie near each other."""
    tries = [
        _to_views(first.levels[COARSE], second.levels[COARSE], fit) for fit in by_trying(first, second, most=_TRIED)
    ]
    coarse = sorted(_climbs(first.levels[MIDDLE], second.levels[MIDDLE], guesses + tries), key=lambda fit: -fit[0])
    level, other = first.levels[FINE], second.levels[FINE]
    found: list[tuple[float, Matrix]] = []
    for _, guess in _apart(second, coarse)[:_LOOKED_INTO]:
        if fit := _climbed(level, other, guess):
            found.append(_bent(level, other, *fit))
    return _apart(second, sorted(found, key=lambda fit: -fit[0]))


def _apart(second: View, fits: list[tuple[float, Matrix]]) -> list[tuple[float, Matrix]]:
    """`fits` without those that lay the second picture where an earlier one lays it, give or take a few percent."""
    level = second.levels[FINE]
    box = at(np.asarray(np.linalg.inv(level.matrix), np.float64), corners(level))
    kept: list[tuple[float, Matrix]] = []
    for correlation, fit in fits:
        width = np.ptp(box[:, 0])
        if all(np.abs(at(fit, box) - at(other, box)).max() > 0.06 * width for _, other in kept):
            kept.append((correlation, fit))
    return kept


def _climbs(first: Level, second: Level, guesses: list[Matrix]) -> Iterator[tuple[float, Matrix]]:
    for guess in guesses:
        if fit := _climbed(first, second, guess):
            yield fit


def _climbed(first: Level, second: Level, guess: Matrix, *, affine: bool = False) -> tuple[float, Matrix] | None:
    """`refined` in coordinates of the views."""
    start = first.matrix @ guess @ np.linalg.inv(second.matrix)
    found = refined(first, second, start, affine=affine)
    return found and (found[0], _to_views(first, second, found[1]))


def _to_views(first: Level, second: Level, fit: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(first.matrix) @ fit @ second.matrix, np.float64)


def _bent(first: Level, second: Level, correlation: float, fit: Matrix) -> tuple[float, Matrix]:
    """The affine fit from here where it is clearly better, else this one."""
    bent = _climbed(first, second, fit, affine=True)
    return bent if bent and bent[0] > correlation + _WORTH_BENDING else (correlation, fit)
