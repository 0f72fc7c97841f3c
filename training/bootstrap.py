"""Figures under weights, many weightings at once: how a figure gets its interval.

Lesions are drawn with replacement, and every image counts as often as its lesion was drawn. So a resample is a weight
per image, and 1,000 of them are a matrix. Every function below takes such weights [R, N] and gives one value per row;
the first row of `lesion_weights` is all ones, whose value is the figure itself. NaN where a figure has no meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Truths = npt.NDArray[np.bool_]

RESAMPLES, SEED, LEVEL = 1000, 0, 0.95

DEFINED = 0.9
"""An interval is given where at least this share of the resamples has the figure: a rare class may be drawn in none."""


@dataclass(frozen=True)
class Interval:
    """A figure with its interval; all None where the images at hand do not give it."""

    value: float | None
    low: float | None
    high: float | None


def lesion_weights(lesions: Sequence[str], *, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Weights [1 + resamples, N] of images that belong to `lesions`: ones, then how often each lesion was drawn."""
    _, lesion_of = np.unique(np.asarray(lesions, dtype=str), return_inverse=True)
    count = int(lesion_of.max()) + 1 if len(lesions) else 0
    drawn = np.ones((1 + resamples, count), dtype=np.float32)
    generator = np.random.default_rng(seed)
    for row in drawn[1:]:
        row[:] = np.bincount(generator.integers(count, size=count), minlength=count)
    weights: Floats = drawn[:, lesion_of]
    return weights


def interval(values: Floats) -> Interval:
    """The first of `values` [R] with the percentile interval of the others (Efron and Tibshirani 1993, chapter 13)."""
    value, rest = values[0], values[1:][~np.isnan(values[1:])]
    if np.isnan(value):
        return Interval(None, None, None)
    if len(rest) < max(1, DEFINED * (len(values) - 1)):
        return Interval(float(value), None, None)
    low, high = np.quantile(rest, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high))


def mean(weights: Floats, values: Floats | Truths, *, among: Truths | None = None) -> Floats:
    """Mean of `values` [N], over the images `among` where that is given."""
    chosen = np.ones(len(values)) if among is None else among.astype(np.float64)
    return _divide(weights @ (chosen * values), weights @ chosen)


def mean_of_labels(of_labels: Sequence[Floats]) -> Floats:
    """Mean over the labels of their values [R]; a label that a resample does not have is left out of its mean."""
    values = np.stack(of_labels)
    return _divide(np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0))


def auc(weights: Floats, truth: Truths, score: Floats) -> Floats:
    """Area under the ROC curve: how often a true image scores above a false one, ties counting half."""
    order = np.argsort(score, kind="stable")
    ranked, true = score[order], np.flatnonzero(truth[order])
    below, upto = np.searchsorted(ranked, ranked[true], "left"), np.searchsorted(ranked, ranked[true], "right")
    result = np.full(len(weights), np.nan)
    # A hundred resamples at a time stay within the processor's cache.
    for start in range(0, len(weights), 100):
        drawn = weights[start : start + 100][:, order]
        false = np.where(truth[order], 0, drawn)
        beaten = np.concatenate([np.zeros((len(drawn), 1)), np.cumsum(false, axis=1, dtype=np.float64)], axis=1)
        wins = (drawn[:, true] * (beaten[:, below] + beaten[:, upto])).sum(axis=1) / 2
        result[start : start + 100] = _divide(wins, drawn[:, true].sum(axis=1) * beaten[:, -1])
    return result


def bin_of(confidence: Floats, *, bins: int) -> npt.NDArray[np.intp]:
    """Which of so many equally wide bins of 0..1 each confidence lies in."""
    return np.minimum((confidence * bins).astype(np.intp), bins - 1)


def calibration_error(weights: Floats, confidence: Floats, right: Truths, *, bins: int) -> Floats:
    """ECE: mean distance between confidence and accuracy over equally wide bins (Guo et al. 2017, arXiv:1706.04599)."""
    members = np.eye(bins)[bin_of(confidence, bins=bins)]
    gaps = np.abs(weights @ (members * (confidence - right)[:, None])).sum(axis=1)
    return _divide(gaps, weights.sum(axis=1, dtype=np.float64))


def risk_area(weights: Floats, confidence: Floats, right: Truths) -> Floats:
    """AURC: the share of errors among the k most confident images, averaged over k (Geifman and El-Yaniv 2017)."""
    order = np.argsort(-confidence, kind="stable")
    drawn = weights[:, order].astype(np.float64)
    errors = np.cumsum(drawn * ~right[order], axis=1)
    seen = np.cumsum(drawn, axis=1)
    risks = np.divide(errors, seen, out=np.zeros_like(seen), where=seen > 0)
    return _divide((drawn * risks).sum(axis=1), seen[:, -1])


def _divide(above: Floats, below: Floats) -> Floats:
    result: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return result
