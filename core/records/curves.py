"""The curves of a lesion through time: its area and the terms A, B and C, as far as its images compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.records.outlines import ImageMeasures, changes_between
from core.records.tables import Image
from core.vision.change import NORMAL_95, SCALE_ERROR, Change
from core.vision.registration import Matrix

SCORES = {"abcd_asymmetry": (0, 2), "abcd_border": (0, 8), "abcd_colours": (1, 6)}
"""The terms A, B and C by their names in `core.vision.change`, each with its lowest and highest score."""

MM2, OF_FIRST = "mm²", "% of the first"
"""What areas are drawn in."""


@dataclass(frozen=True)
class CurvePoint:
    """What a curve has for one image.

    Attributes:
        uncertainty: at 95 %, in the curve's unit; None where nobody knows it.
        changed: whether it differs from the curve's first point by more than the uncertainty of their difference; None
            for that point itself.
    """

    image: Image
    value: float
    uncertainty: float | None
    changed: bool | None


@dataclass(frozen=True)
class Curve:
    """One quantity of `core.vision.change` through time; `left_out` images are measured and do not compare."""

    name: str
    unit: str
    points: Sequence[CurvePoint]
    left_out: int = 0


def area_curve(found: Sequence[ImageMeasures], *, matrices: Mapping[int, Matrix] | None = None) -> Curve:
    """The areas that compare with each other, out of a lesion's images in time order.

    Pixels of two images are never drawn on one axis. Areas are in mm² where the images have a scale. An image without
    one joins by its matrix in `matrices`, which takes its pixels to those of the first measured image
    (`comparisons.growth_matrices`); where that one has no scale either, areas are in percent of its area. Of the
    two ways the one with more points is taken, and mm² where they have as many. One area without a scale is no curve.
    """
    measured = [entry for entry in found if entry.measured]
    if not measured:
        return Curve("area", MM2, [])
    references = [*[entry for entry in measured if entry.mm_per_pixel][:1], measured[0]]
    curves = [(reference, _areas(reference, measured, matrices or {})) for reference in references]
    reference, points = max(curves, key=lambda curve: len(curve[1]))
    if not reference.mm_per_pixel and len(points) == 1:
        points = []
    unit = MM2 if reference.mm_per_pixel else OF_FIRST
    return Curve("area", unit, points, left_out=len(measured) - len(points))


def score_curves(found: Sequence[ImageMeasures]) -> list[Curve]:
    """The terms A, B and C of a lesion's images in time order, which compare without any scale."""
    measured = [entry for entry in found if entry.measured]
    return [
        Curve(name, "", [_point(entry, measured[0], name, factor=1.0, error=0.0) for entry in measured])
        for name in SCORES
    ]


def needs_alignment(found: Sequence[ImageMeasures]) -> bool:
    """Whether aligning the images may let more areas compare: where at least two are measured, one without a scale."""
    measured = [entry for entry in found if entry.measured]
    return len(measured) > 1 and not all(entry.mm_per_pixel for entry in measured)


def _areas(
    reference: ImageMeasures, measured: Sequence[ImageMeasures], matrices: Mapping[int, Matrix]
) -> list[CurvePoint]:
    """The areas that compare with that of `reference`, itself among them; in mm² where it has a scale."""
    own = _value(reference, "area")
    unit = reference.mm_per_pixel**2 if reference.mm_per_pixel else 100 / own
    points = []
    for entry in measured:
        if entry is reference:
            points.append(_point(entry, reference, "area", factor=unit, error=0.0))
            continue
        # A matrix leads to the first measured image and to no other.
        matrix = matrices.get(entry.image.id) if reference is measured[0] else None
        line = _line(reference, entry, "area", matrix)
        if line.second is not None:
            carried = line.second / _value(entry, "area")
            error = NORMAL_95 * 2 * SCALE_ERROR * line.second * unit
            points.append(_point(entry, reference, "area", factor=carried * unit, error=error, matrix=matrix))
    return points


def _point(
    entry: ImageMeasures,
    reference: ImageMeasures,
    name: str,
    *,
    factor: float,
    error: float,
    matrix: Matrix | None = None,
) -> CurvePoint:
    measured = entry.measured
    assert measured is not None
    uncertainty = float(np.hypot(measured.uncertainties[name] * factor, error))
    return CurvePoint(
        image=entry.image,
        value=measured.values[name] * factor,
        uncertainty=uncertainty if np.isfinite(uncertainty) else None,
        changed=None if entry is reference else _line(reference, entry, name, matrix).changed,
    )


def _line(reference: ImageMeasures, entry: ImageMeasures, name: str, matrix: Matrix | None) -> Change:
    return next(line for line in changes_between(reference, entry, matrix=matrix) if line.name == name)


def _value(entry: ImageMeasures, name: str) -> float:
    assert entry.measured is not None
    return entry.measured.values[name]
