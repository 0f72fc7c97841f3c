"""All figures of `training.evaluation` from what a model said of labelled images.

The sums are in `training.bootstrap`; this module says over which images and which labels they go.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training import bootstrap, evaluation
from training.bootstrap import Floats, Truths
from training.data import Row
from training.evaluation import NOTHING, Figure
from training.labels import CLASSES, HAM10000_LABELS, ISIC2017_LABELS, NINE_LABELS, Labels, name_of
from training.metrics import attention, truly_needs_attention

BINS = 15
"""Of the reliability diagram."""

COVERAGES = 20
"""Points of the risk-coverage curve."""

VOCABULARIES: dict[str, Labels] = {
    task: {name_of(classes): classes for classes in labels.values()}
    for task, labels in (("nine_classes", NINE_LABELS), ("ham10000", HAM10000_LABELS), ("isic2017", ISIC2017_LABELS))
}
"""The tasks that have a name, their labels named by the classes they cover."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Labelled images and what a model said of them, in one order.

    Attributes:
        probabilities: [N, 9], in the order of `CLASSES`.
        weights: [1 + R, N], of `bootstrap.lesion_weights`.
        certainties: "certain", "uncertain" or "unreadable"; None where the model file has no such statistics.
        prediction_sets: names of classes; None likewise.
    """

    rows: list[Row]
    probabilities: Floats
    weights: Floats
    certainties: list[str] | None = None
    prediction_sets: list[tuple[str, ...]] | None = None

    def of(self, chosen: Truths) -> "Measured":
        """Those of the images where `chosen` [N] is true, under the same resamples."""
        indices = np.flatnonzero(chosen)
        return Measured(
            [self.rows[index] for index in indices],
            self.probabilities[indices],
            self.weights[:, indices],
            None if self.certainties is None else [self.certainties[index] for index in indices],
            None if self.prediction_sets is None else [self.prediction_sets[index] for index in indices],
        )

    def lesions(self, among: Truths | None = None) -> int:
        """How many lesions there are, among the images that are true there."""
        return len({row.lesion_id for index, row in enumerate(self.rows) if among is None or among[index]})


def tasks_of(rows: Sequence[Row]) -> dict[str, Labels]:
    """What the labels of `rows` allow to be told apart, the finest first.

    All nine classes, where each has an image that is labelled with it alone; rows with coarser labels are left out of
    it. Else labels that share a class are one, and the task is called by the vocabulary that it then is. Images that
    HAM10000's seven labels fit, each of which occurs, are measured on those too.
    """
    present = {row.labels for row in rows}
    if all(labels in present for labels in NINE_LABELS.values()):
        return {"nine_classes": NINE_LABELS}
    blocks: list[frozenset[str]] = []
    for labels in sorted(present, key=sorted):
        joined = labels.union(*(block for block in blocks if block & labels))
        blocks = [*(block for block in blocks if not block & labels), joined]
    found = {name_of(block): block for block in sorted(blocks, key=sorted)}
    name = next((name for name, labels in VOCABULARIES.items() if set(labels.values()) == set(blocks)), "labels")
    tasks: dict[str, Labels] = {name: VOCABULARIES.get(name, found)}
    seven = VOCABULARIES["ham10000"]
    if all(any(labels <= label for label in seven.values()) for labels in present) and all(
        any(labels <= label for labels in present) for label in seven.values()
    ):
        tasks["ham10000"] = seven
    return tasks


def group(measured: Measured, tasks: dict[str, Labels], *, threshold: float, at_least: int = 1) -> evaluation.Group:
    """Every figure of these images; those that fewer than `at_least` lesions would give are None."""
    first = next(iter(tasks.values()), {})
    return evaluation.Group(
        images=len(measured.rows),
        lesions=measured.lesions(),
        tasks={name: _task(measured, labels, at_least=at_least) for name, labels in tasks.items()},
        needs_attention=_needs_attention(measured, threshold=threshold, at_least=at_least),
        calibration=_calibration(measured, first, at_least=at_least),
        selective=_selective(measured, first, at_least=at_least),
        certainty=_certainty(measured, first, at_least=at_least),
        prediction_sets=_prediction_sets(measured, at_least=at_least),
    )


def melanoma_against_nevus(measured: Measured) -> evaluation.OneAgainstOther:
    """By the melanoma's probability, over the images that are labelled as one of the two."""
    melanoma, nevus = (np.array([row.labels == {name} for row in measured.rows]) for name in ("melanoma", "nevus"))
    pair = measured.of(melanoma | nevus)
    score = pair.probabilities[:, CLASSES.index("melanoma")]
    return evaluation.OneAgainstOther(
        melanomas=int(melanoma.sum()),
        nevi=int(nevus.sum()),
        auc=_figure(bootstrap.auc(pair.weights, melanoma[melanoma | nevus], score)),
    )


@dataclass(frozen=True, eq=False)
class _Answers:
    """The images of one task: true label, answer (both by number) and the probabilities [N, labels]."""

    measured: Measured
    truth: npt.NDArray[np.intp]
    summed: Floats

    @property
    def answer(self) -> npt.NDArray[np.intp]:
        leading: npt.NDArray[np.intp] = self.summed.argmax(axis=1)
        return leading

    @property
    def right(self) -> Truths:
        matches: Truths = self.answer == self.truth
        return matches


def _answers(measured: Measured, labels: Labels) -> _Answers:
    of_row = [
        next((number for number, label in enumerate(labels.values()) if row.labels <= label), -1)
        for row in measured.rows
    ]
    truth = np.array(of_row, dtype=np.intp)
    chosen = measured.of(truth >= 0)
    covers = np.array([[name in label for label in labels.values()] for name in CLASSES], dtype=np.float64)
    return _Answers(chosen, truth[truth >= 0], chosen.probabilities @ covers.reshape(len(CLASSES), -1))


def _task(measured: Measured, labels: Labels, *, at_least: int) -> evaluation.Task:
    answers = _answers(measured, labels)
    chosen, truth, answer = answers.measured, answers.truth, answers.answer
    figures, sensitivities, aucs = {}, [], []
    for number, label in enumerate(labels):
        true = truth == number
        enough = chosen.lesions(true) >= at_least and true.any()
        others = chosen.lesions(~true) >= at_least and (~true).any()
        sensitivities.append(bootstrap.mean(chosen.weights, answer == number, among=true))
        aucs.append(bootstrap.auc(chosen.weights, true, answers.summed[:, number]))
        figures[label] = evaluation.ClassFigures(
            images=int(true.sum()),
            lesions=chosen.lesions(true),
            sensitivity=_figure(sensitivities[-1], given=enough),
            specificity=_figure(bootstrap.mean(chosen.weights, answer != number, among=~true), given=others),
            auc=_figure(aucs[-1], given=enough and others),
        )
    complete = bool(figures) and all(one.lesions >= max(1, at_least) for one in figures.values())
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(confusion, (truth, answer), 1)
    return evaluation.Task(
        images=len(truth),
        lesions=chosen.lesions(),
        labels={label: sorted(classes) for label, classes in labels.items()},
        accuracy=_figure(bootstrap.mean(chosen.weights, answers.right), given=chosen.lesions() >= at_least),
        balanced_accuracy=_figure(bootstrap.mean_of_labels(sensitivities), given=complete),
        macro_auc=_figure(bootstrap.mean_of_labels(aucs), given=complete and len(figures) > 1),
        classes=figures,
        confusion=confusion.tolist(),
    )


def _needs_attention(measured: Measured, *, threshold: float, at_least: int) -> evaluation.NeedsAttention:
    truth, score = truly_needs_attention(measured.rows), attention(measured.probabilities)
    positives, negatives = (measured.lesions(side) >= at_least for side in (truth, ~truth))
    flagged = score >= threshold
    return evaluation.NeedsAttention(
        positives=int(truth.sum()),
        negatives=int((~truth).sum()),
        threshold=threshold,
        auc=_figure(bootstrap.auc(measured.weights, truth, score), given=positives and negatives),
        sensitivity=_figure(bootstrap.mean(measured.weights, flagged, among=truth), given=positives),
        specificity=_figure(bootstrap.mean(measured.weights, ~flagged, among=~truth), given=negatives),
    )


def _calibration(measured: Measured, labels: Labels, *, at_least: int) -> evaluation.Calibration:
    answers = _answers(measured, labels)
    if not len(answers.truth) or answers.measured.lesions() < at_least:
        return evaluation.Calibration(images=len(answers.truth), ece=NOTHING, bins=[])
    confidence, right = answers.summed.max(axis=1), answers.right
    bin_of = bootstrap.bin_of(confidence, bins=BINS)
    return evaluation.Calibration(
        images=len(answers.truth),
        ece=_figure(bootstrap.calibration_error(answers.measured.weights, confidence, right, bins=BINS)),
        bins=[
            evaluation.Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                images=int((bin_of == number).sum()),
                confidence=float(confidence[bin_of == number].mean()),
                accuracy=float(right[bin_of == number].mean()),
            )
            for number in np.unique(bin_of).tolist()
        ],
    )


def _selective(measured: Measured, labels: Labels, *, at_least: int) -> evaluation.Selective:
    answers = _answers(measured, labels)
    if not len(answers.truth) or answers.measured.lesions() < at_least:
        return evaluation.Selective(aurc=NOTHING, curve=[])
    confidence, right = answers.summed.max(axis=1), answers.right
    wrong = ~right[np.argsort(-confidence, kind="stable")]
    counts = sorted({math.ceil(len(wrong) * step / COVERAGES) for step in range(1, COVERAGES + 1)})
    return evaluation.Selective(
        aurc=_figure(bootstrap.risk_area(answers.measured.weights, confidence, right)),
        curve=[evaluation.Point(coverage=count / len(wrong), risk=float(wrong[:count].mean())) for count in counts],
    )


def _certainty(measured: Measured, labels: Labels, *, at_least: int) -> evaluation.Certainty | None:
    if measured.certainties is None:
        return None
    outcomes = np.array(measured.certainties, dtype=object)
    enough = measured.lesions() >= at_least
    shares = {
        outcome: _figure(bootstrap.mean(measured.weights, outcomes == outcome), given=enough)
        for outcome in ("certain", "uncertain", "unreadable")
    }
    certain = _answers(measured.of(outcomes == "certain"), labels)
    accuracy = bootstrap.mean(certain.measured.weights, certain.right)
    return evaluation.Certainty(
        **shares, accuracy_of_certain=_figure(accuracy, given=certain.measured.lesions() >= at_least)
    )


def _prediction_sets(measured: Measured, *, at_least: int) -> evaluation.PredictionSets | None:
    if measured.prediction_sets is None:
        return None
    sizes = np.array([len(names) for names in measured.prediction_sets])
    pairs = zip(measured.rows, measured.prediction_sets, strict=True)
    covered = np.array([bool(row.labels & {*names}) for row, names in pairs])
    by_class = {name: np.array([row.labels == {name} for row in measured.rows], dtype=np.bool_) for name in CLASSES}
    enough = measured.lesions() >= at_least
    return evaluation.PredictionSets(
        coverage=_figure(bootstrap.mean(measured.weights, covered), given=enough),
        mean_size=_figure(bootstrap.mean(measured.weights, sizes), given=enough),
        coverage_by_class={
            name: _figure(
                bootstrap.mean(measured.weights, covered, among=true), given=measured.lesions(true) >= at_least
            )
            for name, true in by_class.items()
            if true.any()
        },
        sizes={str(size): count for size, count in sorted(Counter(sizes.tolist()).items())},
    )


def _figure(values: Floats, *, given: bool = True) -> Figure:
    return Figure.of(bootstrap.interval(values)) if given else NOTHING
