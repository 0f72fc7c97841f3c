"""Measure a model file as the clinic runs it: the clinic's own intake and reader, image by image.

One image at a time: ONNX Runtime reads 32 together no faster than one after the other (410 ms against 32 x 11 ms, on
two cores). What pays is a thread for each core, each with a file to decode.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from core.errors import UnreadableImage
from core.vision.intake import IntakeLimits, take_in
from core.vision.model_file import SHIPPED, ModelFile
from core.vision.reader import Reader, Reading
from training import bootstrap, evaluation, figures, masks
from training.data import Row
from training.evaluation import Evaluation
from training.figures import Measured
from training.labels import CLASSES
from training.table import Labelled

FEW = 10
"""Lesions that a figure within a group of age, sex, site or skin type needs of either side."""

AGES = ((30, "0 to 29"), (50, "30 to 49"), (70, "50 to 69"), (float("inf"), "70 and over"))
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Readings:
    """Readings of images, and why each of the others could not be read."""

    rows: list[Row]
    readings: list[Reading]
    unreadable: dict[str, str]


def read_images(model: Path, rows: Sequence[Row]) -> Readings:
    """Read each file of `rows` with the model whose JSON lies at `model`. Raises Unavailable without the model."""
    reader = Reader(model, threads=1)
    limits = IntakeLimits()

    def read(row: Row) -> Reading | str:
        try:
            return reader.read(take_in(row.path.read_bytes(), limits=limits).pixels)
        except (UnreadableImage, OSError) as error:
            return str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = track(pool.map(read, rows), "Reading", total=len(rows), console=Console(stderr=True), transient=True)
        found = list(zip(rows, said, strict=True))
    return Readings(
        [row for row, reading in found if isinstance(reading, Reading)],
        [reading for _, reading in found if isinstance(reading, Reading)],
        {row.isic_id: reading for row, reading in found if isinstance(reading, str)},
    )


def evaluate(
    labelled: Labelled,
    *,
    model: Path = SHIPPED,
    labels: str = "",
    split: str = "",
    outlines: Path | None = None,
    resamples: int = bootstrap.RESAMPLES,
) -> Evaluation:
    """Every figure of the model whose JSON lies at `model` on labelled images.

    `labels` and `split` say where the labels come from, and are written down; `outlines` is the folder of the masks.
    Raises ValueError where not one image could be read.
    """
    model_file = ModelFile.load(model)
    found = read_images(model, labelled.rows)
    if not found.rows:
        raise ValueError("not one image could be read under a label that is known")
    measured = _measured(found, resamples=resamples)
    tasks = figures.tasks_of(found.rows)
    threshold = model_file.malignant_threshold

    def small_groups(name_of: Callable[[Row], str]) -> dict[str, evaluation.Group]:
        members = _by(found.rows, name_of)
        return {
            name: figures.group(measured.of(chosen), tasks, threshold=threshold, at_least=FEW)
            for name, chosen in members.items()
            if members.keys() != {UNKNOWN}
        }

    sources = {name: measured.of(chosen) for name, chosen in _by(found.rows, lambda row: row.source).items()}
    activations = [_activations(reading) for reading in found.readings]
    return Evaluation(
        model=evaluation.Model(
            version=model_file.version,
            architecture=model_file.architecture,
            input_size=model_file.input_size,
            temperature=model_file.temperature,
            malignant_threshold=threshold,
            initial_weights=model_file.initial_weights,
        ),
        data=evaluation.Data(
            labels=labels,
            split=split,
            mapping=labelled.mapping,
            left_out=labelled.left_out,
            missing=labelled.missing,
            unreadable=found.unreadable,
        ),
        bootstrap=evaluation.Bootstrap(resamples=resamples, seed=bootstrap.SEED, level=bootstrap.LEVEL),
        at_least=FEW,
        overall=figures.group(measured, tasks, threshold=threshold),
        by_source={
            name: figures.group(of_source, figures.tasks_of(of_source.rows), threshold=threshold)
            for name, of_source in sources.items()
        },
        by_age=small_groups(lambda row: age_band(row.age)),
        by_sex=small_groups(lambda row: row.sex),
        by_site=small_groups(lambda row: row.site),
        by_skin_type=small_groups(lambda row: row.skin_type),
        melanoma_against_nevus={name: figures.melanoma_against_nevus(of_source) for name, of_source in sources.items()},
        masks=masks.measure(measured, activations, folder=outlines) if outlines else None,
    )


def age_band(age: float | None) -> str:
    """The band that an age in years lies in."""
    return UNKNOWN if age is None else next(name for below, name in AGES if age < below)


def _measured(found: Readings, *, resamples: int) -> Measured:
    readings = found.readings
    certainties = [getattr(reading, "certainty", None) for reading in readings]
    sets = [getattr(reading, "prediction_set", None) for reading in readings]
    return Measured(
        rows=found.rows,
        probabilities=np.array([[reading.probabilities[name] for name in CLASSES] for reading in readings]),
        weights=bootstrap.lesion_weights([row.lesion_id for row in found.rows], resamples=resamples),
        certainties=None if None in certainties else [str(certainty) for certainty in certainties],
        prediction_sets=None if None in sets else [tuple(names or ()) for names in sets],
    )


def _activations(reading: Reading) -> bootstrap.Floats:
    outputs = list(reading.probabilities)
    return reading.activations[[outputs.index(name) for name in CLASSES]]


def _by(rows: Sequence[Row], name_of: Callable[[Row], str]) -> dict[str, bootstrap.Truths]:
    """Which rows are called the same: bool [N] by name, "unknown" for the empty one, which comes last."""
    names = np.array([name_of(row) or UNKNOWN for row in rows], dtype=object)
    return {name: names == name for name in sorted(set(names), key=lambda name: (name == UNKNOWN, name))}
