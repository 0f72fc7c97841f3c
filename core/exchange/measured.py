"""What was measured of a lesion, as the report prints it: the first image, the newest, and what changed."""

import numpy as np

from core.records.outlines import ImageMeasures, changes_between
from core.vision.change import QUANTITIES, Change, Quantity
from core.vision.registration import Matrix

NOTE = (
    "Estimates from pixels with their 95 % uncertainty, from measuring again; a change is called one only where it is "
    "larger than that. A, B and C are terms of the ABCD rule; D is the clinician's to score."
)


def measured_rows(
    first: ImageMeasures | None, newest: ImageMeasures, *, matrix: Matrix | None = None
) -> list[tuple[str, ...]]:
    """A row a quantity: its title, its value in the first image and in the newest, the change; `newest` is measured.

    Without a first image, or where no lesion was outlined in it, title and value only. `matrix` is as in
    `changes_between`. A size in an image without a scale is not given: pixels of two images do not compare.
    """
    changes = {line.name: line for line in changes_between(first, newest, matrix=matrix)} if first else {}
    if first is None or not changes:
        return [(each.title, _value(each, newest)) for each in QUANTITIES]
    return [
        (each.title, _value(each, first), _value(each, newest), _change(each, changes[each.name], first))
        for each in QUANTITIES
    ]


def _value(each: Quantity, entry: ImageMeasures) -> str:
    assert entry.measured is not None
    if each.power and not entry.mm_per_pixel:
        return "no scale"
    factor = (entry.mm_per_pixel or 1.0) ** each.power
    unit = _unit(each)
    error = each.written(entry.measured.uncertainties[each.name] * factor)
    return f"{each.written(entry.measured.values[each.name] * factor)} ± {error}{unit}"


def _change(each: Quantity, line: Change, first: ImageMeasures) -> str:
    if line.difference is None or line.uncertainty is None:
        return "not comparable"
    if not np.isfinite(line.uncertainty):
        return "unsure"
    sign = "+" if line.difference >= 0 else "−"
    if each.power and not first.mm_per_pixel:
        amounts = (f"{100 * abs(value) / line.first:.0f}" for value in (line.difference, line.uncertainty))
        words = "{} ± {} %".format(*amounts)
    else:
        factor = (first.mm_per_pixel or 1.0) ** each.power
        amounts = (each.written(abs(value) * factor) for value in (line.difference, line.uncertainty))
        words = "{} ± {}".format(*amounts) + _unit(each)
    return f"{sign}{words}: {'changed' if line.changed else 'within the uncertainty'}"


def _unit(each: Quantity) -> str:
    return {0: "", 1: " mm", 2: " mm²"}[each.power]
