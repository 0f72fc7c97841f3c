"""How good the outlines are, measured the way the clinic uses them: through `core.vision`, at the images' own size.

The factors by which re-measuring is widened are chosen on the validation side; every figure reported is of the test
side.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.vision.change import NORMAL_95, QUANTITIES, change, remeasure
from core.vision.outline import SHIPPED, OutlineFile, Outliner
from training.masks import read_mask, with_masks
from training.run import Sample
from training.splits import TEST, VAL

Pairs = Sequence[tuple[Sample, Path]]


def measure_outline(manifest: Path, masks: Path, *, still: int, threads: int = 0, path: Path = SHIPPED) -> OutlineFile:
    """Measure the network at `path` and write what was found into its JSON; `still` pairs a side see no change."""
    pairs = with_masks(manifest, masks)
    sides = {split: [pair for pair in pairs if pair[0].split == split] for split in (VAL, TEST)}
    found = dice_of(Outliner(path, threads=threads), sides[TEST])
    scores: dict[str, object] = {
        "images": len(found),
        "lesions": len({sample.row.lesion_id for sample, _ in sides[TEST]}),
        "dice_mean": round(float(found.mean()), 4),
        "dice_median": round(float(np.median(found)), 4),
        "share_below_0.8": round(float((found < 0.8).mean()), 4),
    }
    file = _kept(path, scores={TEST: scores})
    print(scores, flush=True)
    if still:
        differences = still_pairs(Outliner(path, threads=threads), sides[VAL][:still])
        file = _kept(path, coverage=coverage_of(differences))
        print(file.coverage, flush=True)
        differences = still_pairs(Outliner(path, threads=threads), sides[TEST][:still])
        scores["still_pairs"] = len(differences) // len(QUANTITIES)
        scores["called_changed_without_a_change"] = {
            quantity.name: round(float(np.mean([abs(d) > u for name, d, u in differences if name == quantity.name])), 4)
            for quantity in QUANTITIES
        }
        file = _kept(path, scores={TEST: scores})
        print(scores, flush=True)
    return file


def dice_of(outliner: Outliner, pairs: Pairs, *, threshold: float | None = None) -> npt.NDArray[np.float64]:
    """Dice of each image's outline with its mask, at the image's own size."""
    found = []
    for sample, path in pairs:
        truth = read_mask(path)
        with Image.open(sample.row.path) as image:
            mask = outliner.outline(image.convert("RGB"), threshold=threshold).mask
        found.append(2 * (mask & truth).sum() / max(1, mask.sum() + truth.sum()))
    return np.array(found, dtype=np.float64)


def still_pairs(outliner: Outliner, pairs: Pairs) -> list[tuple[str, float, float]]:
    """Differences where nothing changed: (quantity, difference, its uncertainty) of images and copies of themselves.

    A copy is turned by any angle, shifted by up to 5 %, zoomed by 0.8 to 1.25, brightened or darkened by up to 15 %,
    its channels by up to 4 %, and blurred in half of all cases: what a second photograph of the same day may do,
    though not another camera, another pressure on the skin, or other hairs. Images whose outline is empty, unsure
    or leaves the frame in either are left out.
    """
    random = np.random.default_rng(0)
    found = []
    for sample, _ in pairs:
        with Image.open(sample.row.path) as opened:
            image = opened.convert("RGB")
        again, zoom = _second_photograph(image, random)
        outlines = [outliner.outline(one) for one in (image, again)]
        if any(outline.remark for outline in outlines):
            continue
        first, second = (
            remeasure(outliner, one, outline) for one, outline in zip((image, again), outlines, strict=True)
        )
        for line in change(first, second, scale=1 / zoom):
            if line.difference is not None and line.uncertainty is not None:
                found.append((line.name, line.difference, line.uncertainty))
    return found


def _second_photograph(image: Image.Image, random: np.random.Generator) -> tuple[Image.Image, float]:
    width, height = image.size
    zoom = float(np.exp(random.uniform(np.log(0.8), np.log(1.25))))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(0, 360), zoom)
    turn[:, 2] = turn[:, 2] + random.uniform(-0.05, 0.05, size=2) * np.array(image.size)
    pixels = cv2.warpAffine(
        np.asarray(image), turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    if random.random() < 0.5:
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.004 * width)
    gain = random.uniform(0.85, 1.15) * random.uniform(0.96, 1.04, size=3)
    return Image.fromarray(np.clip(pixels * gain, 0, 255).astype(np.uint8)), zoom


def coverage_of(differences: Sequence[tuple[str, float, float]]) -> dict[str, float]:
    """The factor per quantity that makes 95 % of the differences of `still_pairs` smaller than their uncertainty."""
    coverage = {}
    for quantity in QUANTITIES:
        excess = [abs(d) / u for name, d, u in differences if name == quantity.name and np.isfinite(u)]
        # Never less than what a normal spread asks for: ten copies may agree by chance.
        coverage[quantity.name] = round(NORMAL_95 * max(1.0, float(np.quantile(excess, 0.95))), 2)
    return coverage


def _kept(path: Path, **found: object) -> OutlineFile:
    file = OutlineFile.load(path).model_copy(update=found)
    path.write_text(file.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return file
