"""What a model's figures mean, chosen on the validation split: offsets, temperature, threshold, prediction sets.

All of it rests on order statistics. Of n images (or lesions) drawn like the ones to come, the j-th lowest of a figure
has an expected share of j / (n + 1) of new ones below it, and that share follows Beta(j, n + 1 - j): so expectations
and confidence bounds hold for any model and any distribution (Wilks 1941; Vovk 2012, arXiv:1209.2673; Angelopoulos and
Bates 2021, arXiv:2107.07511). They hold for pictures from the validation split's sources, and for no other camera.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from core.vision.calibration import balance
from training.data import Row
from training.metrics import NEEDS_ATTENTION, expected_calibration_error, softmax
from training.run import admissible_matrix

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]

SENSITIVITY = 0.95
"""Share of new lesions that need attention which the shipped threshold is to flag."""

CONFIDENCE = 0.95
"""With which the threshold is to reach that share, over all sources together."""

COVERAGE = 0.90
"""Share of new images of each class whose prediction set is to hold it."""

TAUS = (0.0, 0.1, 0.2, 0.3)
"""Strengths of the offsets that are tried. Stronger ones make the surest answers those of the lifted classes, which are
then wrong more often than they say: of the answers with a confidence of 0.93 and more on the validation split, 0.95
were right at 0.3 and 0.90 at 0.5, and the calibration error on images to measure on rose to 0.06."""

TRUSTED = 0.04
"""Calibration error on the validation split that lifting rare classes may leave."""

EXTREMES = 2
"""A source has a bound of its own where at least so many of its lesions lie at or below it: the lowest of all says more
about one lesion than about the source."""


def fit_temperature(logits: Floats, admissible: Bools) -> float:
    """The temperature that makes the admissible classes of [N, 9] likeliest (Guo et al. 2017, arXiv:1706.04599)."""

    def unlikeliness(log_temperature: float) -> float:
        of_the_set = (softmax(logits, temperature=float(np.exp(log_temperature))) * admissible).sum(axis=1)
        return float(-np.log(of_the_set.clip(min=1e-12)).mean())

    return float(np.exp(minimize_scalar(unlikeliness, bounds=(-2, 2), method="bounded").x))


@dataclass(frozen=True, eq=False)
class Offsets:
    """The arguments of `core.vision.calibration.balance` of these names, for the classes in the order of `CLASSES`."""

    class_offsets: Floats
    attention_offset: float

    def applied(self, logits: Floats) -> Floats:
        """Logits [N, 9] with rare classes lifted."""
        return balance(
            logits,
            class_offsets=self.class_offsets,
            attention_offset=self.attention_offset,
            attention=NEEDS_ATTENTION,
        )


def choose_offsets(logits: Floats, rows: Sequence[Row], *, shares: Floats) -> Offsets:
    """Lift rare classes so far as the confidence can still be trusted.

    The offsets are -tau * log(share), one tau within the malignant and within the benign classes and another between
    the two: of all pairs of `TAUS` that leave a calibration error of at most `TRUSTED` once the temperature is fitted,
    the one with the highest mean sensitivity over the nine classes, each coarse label counting for its classes alike.

    Args:
        logits: [N, 9], of the validation images of `rows`.
        shares: of each class among the images trained on, [9], above 0; they sum to 1.
    """
    admissible = admissible_matrix(rows)
    weights = admissible / admissible.sum(axis=1, keepdims=True)
    weights = weights / weights.sum(axis=0).clip(min=1)

    def mean_sensitivity(balanced: Floats) -> float:
        right = admissible[np.arange(len(rows)), balanced.argmax(axis=1)]
        return float((weights * right[:, None]).sum())

    best, highest = Offsets(np.zeros(len(shares)), 0.0), -1.0
    for within, between in product(TAUS, TAUS):
        offsets = _offsets(shares, within=within, between=between)
        balanced = offsets.applied(logits)
        calibrated = softmax(balanced, temperature=fit_temperature(balanced, admissible))
        sensitivity = mean_sensitivity(balanced)
        if sensitivity > highest and (
            within == between == 0 or expected_calibration_error(calibrated, rows) <= TRUSTED
        ):
            best, highest = offsets, sensitivity
    return best


def _offsets(shares: Floats, *, within: float, between: float) -> Offsets:
    of_attention = float(shares[NEEDS_ATTENTION].sum())
    group = np.where(NEEDS_ATTENTION, of_attention, 1 - of_attention)
    return Offsets(
        class_offsets=-within * np.log(shares / group),
        attention_offset=between * float(np.log((1 - of_attention) / of_attention)),
    )


def conformal_bounds(probabilities: Floats, admissible: Bools) -> Floats:
    """From which probability on a class belongs into an image's prediction set, [9].

    Split conformal prediction with a bound for each class, which gives `COVERAGE` within each (Sadinle et al. 2019,
    arXiv:1609.00451). Images that are surely of a class are what its bound is taken from; with fewer than 9 of them
    the lowest probability that any got, and with none 0, so that the class is in every set.

    Args:
        probabilities, admissible: [N, 9], of the validation split.
    """
    sure = admissible & (admissible.sum(axis=1, keepdims=True) == 1)
    bounds = np.zeros(probabilities.shape[1])
    for index in np.flatnonzero(sure.any(axis=0)):
        bounds[index] = round_down(lower_bound(probabilities[sure[:, index], index], share=1 - COVERAGE))
    return bounds


def lower_bound(figures: Floats, *, share: float) -> float:
    """The highest of [N] `figures` with an expected share of new ones below it of at most `share`; the lowest at least.

    That is the floor(share * (n + 1))-th lowest: split conformal prediction's quantile. Raises ValueError for none.
    """
    if not len(figures):
        raise ValueError("no figure to take a bound from")
    place = int(np.floor(share * (len(figures) + 1) + 1e-9))
    return float(np.sort(figures)[max(place, 1) - 1])


def tolerance_bound(figures: Floats, *, share: float, confidence: float) -> float | None:
    """As `lower_bound`, but the share below it is at most `share` with `confidence`, not in expectation.

    The highest j-th lowest with P(Beta(j, n + 1 - j) <= share) >= confidence; None where n is too small for any.
    """
    places = np.arange(1, len(figures) + 1)
    sure = beta.cdf(share, places, len(figures) + 1 - places) >= confidence
    return float(np.sort(figures)[sure.sum() - 1]) if sure.any() else None


def choose_threshold(alert: Floats, is_alert: Bools, *, lesions: Sequence[str], sources: Sequence[str]) -> float:
    """The threshold that flags SENSITIVITY of new lesions that need attention, whichever image of them is read.

    The lowest of: the tolerance bound at CONFIDENCE over all lesions, and for each source with enough lesions the
    expected share, so that no source pays for another. A lesion counts once, with its lowest image. (The plain quantile
    of the validation images flagged 0.887 of another 230.)

    Args:
        alert: summed probability of the malignant and the indeterminate classes, [N].
        is_alert: the truth, [N].
        lesions, sources: of each image.

    Raises ValueError where no image needs attention.
    """
    lowest: dict[tuple[str, str], float] = {}
    for index in np.flatnonzero(is_alert).tolist():
        key = (sources[index], lesions[index])
        lowest[key] = min(lowest.get(key, 1.0), float(alert[index]))
    if not lowest:
        raise ValueError("no malignant or indeterminate image to choose the threshold on")
    everywhere = np.array(list(lowest.values()))
    missed = 1 - SENSITIVITY
    bounds = [lower_bound(everywhere, share=missed)]
    bounds.append(tolerance_bound(everywhere, share=missed, confidence=CONFIDENCE) or bounds[0])
    for source in sorted({source for source, _ in lowest}):
        here = np.array([figure for (of, _), figure in lowest.items() if of == source])
        if missed * (len(here) + 1) >= EXTREMES:
            bounds.append(lower_bound(here, share=missed))
    return round_down(min(bounds))


def round_down(value: float) -> float:
    """To five digits, downwards, so that the number in the JSON still admits the image that it was taken from."""
    return float(np.floor(value * 1e5) / 1e5)
