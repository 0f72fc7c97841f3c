"""From a network's logits to probabilities, by the constants of its model file; the clinic and the training alike."""

import numpy as np
import numpy.typing as npt

from core import taxonomy
from core.vision.model_file import ModelFile

Logits = npt.NDArray[np.floating]


def probabilities(logits: Logits, model: ModelFile) -> npt.NDArray[np.float64]:
    """Calibrated probabilities [N, classes] of logits [N, classes]; each row sums to 1."""
    balanced = balance(
        logits,
        class_offsets=np.array([model.class_offsets[name] for name in model.classes]),
        attention_offset=model.attention_offset,
        attention=np.array([taxonomy.needs_attention(name) for name in model.classes]),
    )
    return softmax(balanced / model.temperature)


def balance(
    logits: Logits, *, class_offsets: Logits, attention_offset: float, attention: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Logits [N, classes] with rare classes lifted, so that they are named as often as they are there.

    Logit adjustment (Menon et al. 2021, arXiv:2007.07314), apart for the malignant and indeterminate classes
    (`attention`, bool [classes]) and for the benign ones: `class_offsets` move probability within each of the two and
    leave their sums as they were; `attention_offset` is then added to the first. So how images are ranked by their
    malignant probability does not change: adjusting all nine at once cost 0.035 of that AUC (docs/EXPERIMENTS.md).
    """
    given = logits.astype(np.float64)
    balanced = given + class_offsets
    for group, offset in ((attention, attention_offset), (~attention, 0.0)):
        lost = _log_sum(given[:, group]) - _log_sum(balanced[:, group])
        balanced[:, group] += lost + offset
    return balanced


def softmax(logits: Logits) -> npt.NDArray[np.float64]:
    """Probabilities of logits [N, classes]; each row sums to 1."""
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return shares


def _log_sum(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The logarithm of the summed exponentials of each row, [N, 1]."""
    highest = logits.max(axis=1, keepdims=True)
    total: npt.NDArray[np.float64] = highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
    return total
