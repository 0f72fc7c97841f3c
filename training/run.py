"""What a training run leaves in its folder, enough to go on from and to export.

config.json          the settings it was started with
manifest.csv         every image, its label, its side of the split
decisions.json       how often each rule about contradictory labels decided something
checkpoint/          the state at the end of the last epoch: Accelerate's own files, and
    averaged.safetensors  the averaged weights, which are the ones to export
    progress.json         where the weights started from, and the figures of each epoch
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.data import Row
from training.labels import CLASSES

COLUMNS = (
    *("isic_id", "source", "lesion_id", "labels", "split", "age", "sex", "site", "confirm_type"),
    *("skin_type", "diagnosis", "path"),
)

BY_LESION, PAPER = "by-lesion", "paper"
"""How the split is made: `training.splits.split_rows`, or `split_as_paper`, whose runs `training.export` refuses."""


@dataclass(frozen=True)
class Sample:
    """A row of the manifest and its side of the split: "train", "val" or "test"."""

    row: Row
    split: str


@dataclass(frozen=True)
class FitConfig:
    """Settings of one run.

    Attributes:
        architecture: timm's name of the network.
        initial_weights: "imagenet" (timm's hub must answer), "random", or the path of a file of weights.
        plan: phases as SIZExEPOCHS, comma-separated, for instance "64x12,128x10": sizes in pixels.
        batch_size: images per step and process.
        learning_rate: at its highest; it warms up over the first 5 % and falls by a cosine to 1 % of that.
        balance: images are drawn with a weight of (count of their class within their source) ** -balance.
        frozen_stages: this many of an EfficientNet's first stages, and its stem, keep the weights they start from.
        ema_decay: of the averaged weights, per step.
        mix: share of the batches whose images are mixed in pairs (`training.augment.Mix`).
        protocol: `BY_LESION`, or `PAPER` to show what a split by image leaks.
    """

    architecture: str = "efficientnet_b0"
    initial_weights: str = "imagenet"
    plan: str = "64x12,96x12,128x12"
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    balance: float = 0.5
    ema_decay: float = 0.998
    dropout: float = 0.2
    drop_path: float = 0.1
    mix: float = 0.0
    frozen_stages: int = 0
    mixed_precision: str = "no"
    compile: bool = True
    seed: int = 0
    protocol: str = BY_LESION

    def phases(self) -> list[int]:
        """The size in pixels of each epoch in turn. Raises ValueError for a plan that cannot be read."""
        sizes: list[int] = []
        for phase in self.plan.split(","):
            size, _, epochs = phase.partition("x")
            sizes += [int(size)] * int(epochs)
        return sizes

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "FitConfig":
        return cls(**json.loads(path.read_text(encoding="utf-8")))


@dataclass
class Progress:
    """How far a run has come: where its weights started from, and the figures of each epoch done."""

    initial_weights: str = ""
    epochs: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def load(cls, run: Path) -> "Progress":
        """That of the run in the folder `run`; a new one where no epoch has ended there."""
        path = run / "checkpoint" / "progress.json"
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()


def save_manifest(samples: list[Sample], path: Path) -> None:
    """Write one line per image."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for sample in samples:
            row = sample.row
            labels = "|".join(sorted(row.labels))
            head = (row.isic_id, row.source, row.lesion_id, labels, sample.split)
            tail = (row.skin_type, row.diagnosis, row.path)
            writer.writerow((*head, row.age or "", row.sex, row.site, row.confirm_type, *tail))


def load_manifest(path: Path) -> list[Sample]:
    """Read what `save_manifest` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Sample(
                Row(
                    isic_id=entry["isic_id"],
                    path=Path(entry["path"]),
                    source=entry["source"],
                    lesion_id=entry["lesion_id"],
                    labels=frozenset(entry["labels"].split("|")),
                    age=float(entry["age"]) if entry["age"] else None,
                    sex=entry["sex"],
                    site=entry["site"],
                    confirm_type=entry["confirm_type"],
                    # The first runs did not write these two.
                    skin_type=entry.get("skin_type", ""),
                    diagnosis=entry.get("diagnosis", ""),
                ),
                entry["split"],
            )
            for entry in csv.DictReader(file)
        ]


def admissible_matrix(rows: Sequence[Row]) -> npt.NDArray[np.bool_]:
    """bool [N, 9]: which classes, in the order of `CLASSES`, each row may belong to."""
    return np.array([[name in row.labels for name in CLASSES] for row in rows], dtype=np.bool_).reshape(
        -1, len(CLASSES)
    )
