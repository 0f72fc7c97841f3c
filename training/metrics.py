"""Figures of a reader on labelled images, within each source, since sources differ by class and by camera.

scikit-learn does the counting. Where a source's labels are coarser than the nine classes, the probabilities of the
classes within a label are summed. A figure is None where the images at hand cannot give it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from core import taxonomy
from training.data import HAM10000, ISIC2017, Row
from training.labels import CLASSES, HAM10000_LABELS, ISIC2017_LABELS, NINE_LABELS, Labels

Floats = npt.NDArray[np.floating]

NEEDS_ATTENTION = np.array([taxonomy.needs_attention(name) for name in CLASSES])
"""bool [9]: the malignant and the indeterminate classes, in the order of `CLASSES`."""


def softmax(logits: Floats, *, temperature: float = 1.0) -> Floats:
    """Probabilities [N, C] of logits [N, C] divided by the temperature."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


def attention(probabilities: Floats) -> Floats:
    """For [N, 9], the summed probability of the malignant and the indeterminate classes, [N]."""
    summed: Floats = probabilities[:, NEEDS_ATTENTION].sum(axis=1)
    return summed


def truly_needs_attention(rows: Sequence[Row]) -> npt.NDArray[np.bool_]:
    """bool [N]: rows whose every admissible class is malignant or indeterminate."""
    return np.array([all(taxonomy.needs_attention(name) for name in row.labels) for row in rows], dtype=np.bool_)


def summarise(logits: Floats, rows: Sequence[Row]) -> dict[str, float]:
    """The two figures that a progress line shows, on HAM10000's seven labels; none where a label is absent."""
    figures = _by_label(softmax(logits), rows, HAM10000_LABELS, source=HAM10000)
    if figures["macro_auc"] is None:
        return {}
    return {"balanced_accuracy": figures["balanced_accuracy"], "melanoma_auc": figures["auc"]["mel"]}


def score(logits: Floats, rows: Sequence[Row], *, temperature: float, threshold: float) -> dict[str, Any]:
    """All figures of one split, by source and task, each with the number of its images and lesions.

    Args:
        logits: [N, 9], of the images of `rows`.
        temperature, threshold: as in `core.vision.model_file.ModelFile`.
    """
    probabilities = softmax(logits, temperature=temperature)
    flagged, truth = attention(probabilities) >= threshold, truly_needs_attention(rows)
    return {
        "ham10000": _by_label(probabilities, rows, HAM10000_LABELS, source=HAM10000),
        "isic2017": _by_label(probabilities, rows, ISIC2017_LABELS, source=ISIC2017),
        "nine_classes": _by_label(probabilities, rows, NINE_LABELS),
        "needs_attention": {
            "positives": int(truth.sum()),
            "negatives": int((~truth).sum()),
            "auc": _auc(truth, attention(probabilities)),
            "sensitivity": float(flagged[truth].mean()) if truth.any() else None,
            "specificity": float((~flagged[~truth]).mean()) if (~truth).any() else None,
        },
        "calibration": {"ece": expected_calibration_error(probabilities, rows)},
    }


def expected_calibration_error(probabilities: Floats, rows: Sequence[Row], *, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over equally wide bins of confidence (Guo et al. 2017).

    A prediction is right where it is among the admissible classes.
    """
    leading = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = np.array([CLASSES[index] in row.labels for index, row in zip(leading, rows, strict=True)])
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[bin_of == one].mean() - right[bin_of == one].mean()) * (bin_of == one).mean()
        for one in np.unique(bin_of)
    ]
    return float(sum(gaps))


def _by_label(
    probabilities: Floats, rows: Sequence[Row], labels: Labels, *, source: str | None = None
) -> dict[str, Any]:
    """Accuracy, balanced accuracy, AUC of each label against the rest and their mean.

    Over the rows with one of `labels`, of one `source` where it is given. What lies outside `labels` is not predicted.
    """
    names = list(labels)
    chosen = [
        (index, names.index(name))
        for index, row in enumerate(rows)
        for name in names
        if source in (None, row.source) and row.labels <= labels[name]
    ]
    truth = np.array([label for _, label in chosen], dtype=int)
    columns = [[name in labels[label] for name in CLASSES] for label in names]
    of_rows = probabilities[[index for index, _ in chosen]]
    summed = np.stack([of_rows[:, column].sum(axis=1) for column in columns], axis=1)
    aucs = {name: _auc(truth == index, summed[:, index]) for index, name in enumerate(names)}
    known = [auc for auc in aucs.values() if auc is not None]
    return {
        "images": len(chosen),
        "lesions": len({rows[index].lesion_id for index, _ in chosen}),
        "accuracy": float(accuracy_score(truth, summed.argmax(axis=1))) if chosen else None,
        "balanced_accuracy": float(recall_score(truth, summed.argmax(axis=1), labels=np.unique(truth), average="macro"))
        if chosen
        else None,
        "macro_auc": float(np.mean(known)) if len(known) == len(names) else None,
        "auc": aucs,
    }


def _auc(truth: npt.NDArray[np.bool_], likelihood: Floats) -> float | None:
    return float(roc_auc_score(truth, likelihood)) if truth.any() and not truth.all() else None
