"""Heat maps against the lesions' outlines: do the maps lie where the lesion is?

Energy is the share of a map that falls inside the outline (Wang et al. 2020, arXiv:1910.01279, section 4.2); pointing
is the pointing game (Zhang et al. 2016, arXiv:1608.00507) with the centre of the hottest cell as the point, since a
network's map has few cells and says nothing of where within one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.vision.heat_map import HeatMap, from_activation
from training import bootstrap, evaluation
from training.bootstrap import Floats
from training.evaluation import Figure
from training.figures import Measured
from training.labels import CLASSES
from training.run import Sample, load_manifest

Mask = npt.NDArray[np.bool_]
"""(height, width), true inside the lesion."""

ENDING = "_segmentation.png"
"""How HAM10000 names a mask after its image."""


@dataclass(frozen=True)
class Hit:
    """One map and one mask: the share of the map's energy in the lesion (NaN for an empty map), and the point."""

    energy: float
    pointed: bool


def read_mask(path: Path) -> Mask:
    """A picture whose light pixels are lesion. Raises OSError where it is none."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L")) > 127


def with_masks(manifest: Path, masks: Path) -> list[tuple[Sample, Path]]:
    """The images of a manifest that have a mask in the folder `masks`, in the manifest's order."""
    paths = {path.name.removesuffix(ENDING): path for path in sorted(masks.rglob(f"*{ENDING}"))}
    samples = load_manifest(manifest)
    return [(sample, paths[sample.row.isic_id]) for sample in samples if sample.row.isic_id in paths]


def hit(heat_map: HeatMap, mask: Mask) -> Hit:
    """How a map of a few cells, stretched over the image, lies on the mask."""
    if not heat_map.any():
        return Hit(float("nan"), pointed=False)
    height, width = mask.shape
    # Bilinear never goes below zero, where energy would have no meaning.
    stretched = np.asarray(Image.fromarray(heat_map).resize((width, height), Image.Resampling.BILINEAR))
    row, column = np.unravel_index(heat_map.argmax(), heat_map.shape)
    rows, columns = heat_map.shape
    point = int((row + 0.5) / rows * height), int((column + 0.5) / columns * width)
    return Hit(float(stretched[mask].sum() / stretched.sum()), pointed=bool(mask[point]))


def measure(measured: Measured, activations: Sequence[Floats], *, folder: Path) -> evaluation.Masks | None:
    """Figures over the images that have a mask in `folder` (at any depth); None where not one has.

    `activations` are the class activation maps [9, rows, columns] of the images, in the order of `CLASSES`.
    """
    paths = {path.name.removesuffix(ENDING): path for path in sorted(folder.rglob(f"*{ENDING}"))}
    outlined = np.array([row.isic_id in paths for row in measured.rows], dtype=np.bool_)
    if not outlined.any():
        return None
    chosen = measured.of(outlined)
    shares, centres = [], []
    leading: list[Hit] = []
    true: list[Hit] = []
    for row, probabilities, maps in zip(
        chosen.rows, chosen.probabilities, np.stack([*activations])[outlined], strict=True
    ):
        mask = read_mask(paths[row.isic_id])
        shares.append(mask.mean())
        centres.append(mask[mask.shape[0] // 2, mask.shape[1] // 2])
        admissible = np.array([name in row.labels for name in CLASSES])
        leading.append(hit(from_activation(maps[probabilities.argmax()]), mask))
        true.append(hit(from_activation(maps[np.where(admissible, probabilities, -1).argmax()]), mask))
    return evaluation.Masks(
        images=len(chosen.rows),
        lesions=chosen.lesions(),
        lesion_share=Figure.of(bootstrap.interval(bootstrap.mean(chosen.weights, np.array(shares)))),
        centre=Figure.of(bootstrap.interval(bootstrap.mean(chosen.weights, np.array(centres)))),
        leading_class=_map_figures(leading, chosen.weights),
        true_class=_map_figures(true, chosen.weights),
    )


def _map_figures(hits: Sequence[Hit], weights: Floats) -> evaluation.MapFigures:
    energy = np.array([one.energy for one in hits])
    pointed = np.array([one.pointed for one in hits])
    known = ~np.isnan(energy)
    return evaluation.MapFigures(
        empty=int((~known).sum()),
        energy=Figure.of(bootstrap.interval(bootstrap.mean(weights, np.nan_to_num(energy), among=known))),
        pointing=Figure.of(bootstrap.interval(bootstrap.mean(weights, pointed))),
    )
