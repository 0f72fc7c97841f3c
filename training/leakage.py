"""How much of a run's accuracy is memory: test images that have a relative in training, and the others."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import balanced_accuracy_score

from training.data import Row
from training.export import load_network
from training.fit import MARGIN
from training.labels import CLASSES, name_of
from training.network import input_statistics, predict_logits
from training.pixels import HASH_SIZE, load_pixels, perceptual_hashes, same_picture
from training.run import FitConfig, load_manifest
from training.splits import TEST, TRAIN

Flags = npt.NDArray[np.bool_]


def leakage(run: Path, *, cache: Path | None) -> dict[str, Any]:
    """Figures of a run on its test side, whatever protocol made it.

    Returns:
        protocol, train, test: how the split was made, and images on the two sides.
        leaked: test images with a relative in training {same_bytes, same_image (the ISIC id), other_label (the same
            image under a label with no class in common), same_lesion, same_picture, any}.
        accuracy: {all, leaked, unleaked}, each {images, accuracy, low, high, balanced_accuracy}: Wilson's 95 %
            interval, and the mean of the sensitivities of the classes at hand. None where there is no image.
        by_class: {class: {leaked, unleaked}}, each {images, right}.
    """
    config = FitConfig.load(run / "config.json")
    samples = [sample for sample in load_manifest(run / "manifest.csv") if sample.split in (TRAIN, TEST)]
    rows = [sample.row for sample in samples]
    is_test = np.array([sample.split == TEST for sample in samples])
    leaks = find_leaks(rows, is_test, cache=cache)
    network = load_network(run)
    mean, std = input_statistics(network)
    test = [row for row, held_out in zip(rows, is_test, strict=True) if held_out]
    pixels = load_pixels(test, size=round(max(config.phases()) * MARGIN), cache=cache)
    read = predict_logits(network, pixels, mean=mean, std=std).argmax(axis=1)
    leaked = leaks["any"]
    return {
        "protocol": config.protocol,
        "train": int((~is_test).sum()),
        "test": len(test),
        "leaked": {kind: int(flags.sum()) for kind, flags in leaks.items()},
        "accuracy": {
            "all": _accuracy(test, read, np.ones(len(test), np.bool_)),
            "leaked": _accuracy(test, read, leaked),
            "unleaked": _accuracy(test, read, ~leaked),
        },
        "by_class": _by_class(test, read, leaked),
    }


def find_leaks(rows: list[Row], is_test: Flags, *, cache: Path | None) -> dict[str, Flags]:
    """For each kind of leak, bool [test]: which test rows have such a relative among the others, in their order."""
    test = [row for row, held_out in zip(rows, is_test, strict=True) if held_out]
    train = [row for row, held_out in zip(rows, is_test, strict=True) if not held_out]

    def shared(fact: Callable[[Row], object]) -> Flags:
        known = {fact(row) for row in train}
        return np.array([fact(row) in known for row in test], dtype=np.bool_)

    labels: dict[str, frozenset[str]] = {}
    for row in train:
        labels[row.isic_id] = labels.get(row.isic_id, row.labels) & row.labels
    small = load_pixels(rows, size=HASH_SIZE, cache=cache)
    twins = {
        mine
        for one, other, _ in same_picture(small, perceptual_hashes(small))
        for mine, theirs in ((one, other), (other, one))
        if is_test[mine] and not is_test[theirs]
    }
    leaks = {
        "same_bytes": shared(lambda row: hashlib.sha256(row.path.read_bytes()).digest()),
        "same_image": shared(lambda row: row.isic_id),
        "other_label": np.array([not labels.get(row.isic_id, row.labels) & row.labels for row in test], np.bool_),
        "same_lesion": shared(lambda row: row.lesion_id),
        "same_picture": np.array([index in twins for index in np.flatnonzero(is_test)], dtype=np.bool_),
    }
    return {**leaks, "any": np.logical_or.reduce(list(leaks.values()))}


def _right(rows: list[Row], read: npt.NDArray[np.intp]) -> Flags:
    return np.array([CLASSES[index] in row.labels for row, index in zip(rows, read, strict=True)], dtype=np.bool_)


def _accuracy(rows: list[Row], read: npt.NDArray[np.intp], chosen: Flags) -> dict[str, Any] | None:
    count = int(chosen.sum())
    if not count:
        return None
    truth = np.array([name_of(row.labels) for row in rows])[chosen]
    guess = np.where(_right(rows, read)[chosen], truth, np.array(CLASSES)[read[chosen]])
    share = float((truth == guess).mean())
    low, high = wilson(share, count)
    balanced = float(balanced_accuracy_score(truth, guess)) if len(np.unique(truth)) > 1 else share
    return {"images": count, "accuracy": share, "low": low, "high": high, "balanced_accuracy": balanced}


def wilson(share: float, count: int, *, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `count` (Wilson 1927)."""
    centre = share + z**2 / (2 * count)
    reach = z * float(np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)))
    return (centre - reach) / (1 + z**2 / count), (centre + reach) / (1 + z**2 / count)


def _by_class(rows: list[Row], read: npt.NDArray[np.intp], leaked: Flags) -> dict[str, dict[str, dict[str, int]]]:
    right = _right(rows, read)
    names = np.array([name_of(row.labels) for row in rows])
    return {
        str(name): {
            kind: {
                "images": int((flags & (names == name)).sum()),
                "right": int((right & flags & (names == name)).sum()),
            }
            for kind, flags in (("leaked", leaked), ("unleaked", ~leaked))
        }
        for name in sorted(set(names.tolist()))
    }
