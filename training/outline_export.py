"""From a run of `training.outline` to the two files that ship, measured the way the clinic uses them.

The threshold and the coverage of the uncertainties are chosen on the validation side; every figure reported is of the
test side, through `core.vision.outline`, on masks of the images' own size.
"""

import hashlib
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import torch
from PIL import Image
from torch import Tensor, nn
from torch.export import Dim

from core.vision.change import NORMAL_95, QUANTITIES, change, remeasure
from core.vision.outline import SHIPPED, OutlineFile, Outliner
from training.data import LICENCES
from training.masks import read_mask
from training.outline import OutlineConfig, with_masks
from training.outline_network import ARCHITECTURE, MEAN, STD, OutlineNetwork
from training.run import Sample
from training.splits import TEST, TRAIN, VAL

Pairs = Sequence[tuple[Sample, Path]]

THRESHOLDS = np.arange(0.3, 0.7, 0.1)

THRESHOLD_ON = 400
"""Images of the validation side that the threshold is chosen on."""

STILL_PAIRS = 60
"""Images of a side that are paired with a warped copy of themselves: how often is a change called that is none?"""


class _Probability(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        probability: Tensor = self.network(x).sigmoid()
        return probability


def export_outline(run: Path, *, to: Path = SHIPPED) -> OutlineFile:
    """Write the run's averaged weights as `to` (JSON) with an ONNX file beside it; both or none.

    The ONNX file takes `x`, float [B, 3, S, S], and gives `probability` [B, 1, S, S]. Raises RuntimeError where ONNX
    Runtime and torch disagree by more than 1e-4.
    """
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    config = OutlineConfig(**state["config"])
    network = OutlineNetwork()
    network.load_state_dict(state["averaged"])
    pairs = with_masks(Path(config.manifest), Path(config.masks))
    sides = {split: [pair for pair in pairs if pair[0].split == split] for split in (TRAIN, VAL, TEST)}
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        graph, described = Path(folder) / to.with_suffix(".onnx").name, Path(folder) / to.name
        write_onnx(network.eval(), graph, size=config.size)
        file = OutlineFile(
            version=f"outline-{hashlib.sha256(graph.read_bytes()).hexdigest()[:12]}",
            architecture=f"U-Net on the first stages of {ARCHITECTURE}",
            input_size=config.size,
            mean=MEAN,
            std=STD,
            threshold=0.5,
            initial_weights=Path(config.initial_weights).name or "random",
            trained_on=_described(sides[TRAIN]),
            scores={},
            coverage={},
            onnx=graph.name,
        )
        for measured in (_with_threshold, _with_coverage, _with_scores):
            described.write_text(file.model_dump_json(), encoding="utf-8")
            file = measured(file, Outliner(described, threads=1), sides)
        described.write_text(file.model_dump_json(indent=2) + "\n", encoding="utf-8")
        for path in (graph, described):
            path.chmod(0o644)
            shutil.move(path, to.parent / path.name)
    return file


def write_onnx(network: nn.Module, path: Path, *, size: int) -> None:
    """Write the network to `path`. Raises RuntimeError where ONNX Runtime differs from torch by over 1e-4."""
    import onnxruntime  # noqa: PLC0415

    whole = _Probability(network).eval()
    example = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            whole,
            (example,),
            input_names=["x"],
            output_names=["probability"],
            dynamic_shapes={"x": {0: Dim("batch", min=1, max=256)}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    # The exporter notes where in the source each node comes from, and with it the paths of this machine.
    for part in (*proto.graph.node, *proto.graph.value_info, *proto.graph.input, *proto.graph.output):
        part.ClearField("metadata_props")
    onnx.save(proto, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = whole(example).numpy()
    difference = float(np.abs(expected - session.run(None, {"x": example.numpy()})[0]).max())
    if difference > 1e-4:
        raise RuntimeError(f"ONNX Runtime differs from torch by {difference:.1e}")


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


def _with_threshold(file: OutlineFile, outliner: Outliner, sides: dict[str, list[tuple[Sample, Path]]]) -> OutlineFile:
    means = {
        float(t): float(dice_of(outliner, sides[VAL][:THRESHOLD_ON], threshold=float(t)).mean()) for t in THRESHOLDS
    }
    best = max(means, key=lambda threshold: means[threshold])
    print(f"threshold {best:.2f}, Dice on validation {means[best]:.4f}", flush=True)
    return file.model_copy(update={"threshold": round(best, 2), "scores": {VAL: {"dice_mean": round(means[best], 4)}}})


def _with_coverage(file: OutlineFile, outliner: Outliner, sides: dict[str, list[tuple[Sample, Path]]]) -> OutlineFile:
    """The factor per quantity that makes 95 % of the differences without a change smaller than their uncertainty."""
    differences = still_pairs(outliner, sides[VAL][:STILL_PAIRS])
    coverage = {}
    for quantity in QUANTITIES:
        excess = [abs(d) / u for name, d, u in differences if name == quantity.name and np.isfinite(u)]
        # Never less than what a normal spread asks for: ten copies may agree by chance.
        coverage[quantity.name] = round(NORMAL_95 * max(1.0, float(np.quantile(excess, 0.95))), 2)
    print(f"coverage {coverage}", flush=True)
    return file.model_copy(update={"coverage": coverage})


def _with_scores(file: OutlineFile, outliner: Outliner, sides: dict[str, list[tuple[Sample, Path]]]) -> OutlineFile:
    found = dice_of(outliner, sides[TEST])
    still = still_pairs(outliner, sides[TEST][:STILL_PAIRS])
    called = {
        quantity.name: round(float(np.mean([abs(d) > u for name, d, u in still if name == quantity.name])), 4)
        for quantity in QUANTITIES
    }
    scores = {
        "images": len(found),
        "lesions": len({sample.row.lesion_id for sample, _ in sides[TEST]}),
        "dice_mean": round(float(found.mean()), 4),
        "dice_median": round(float(np.median(found)), 4),
        "share_below_0.8": round(float((found < 0.8).mean()), 4),
        "still_pairs": len(still) // len(QUANTITIES),
        "called_changed_without_a_change": called,
    }
    print(scores, flush=True)
    return file.model_copy(update={"scores": file.scores | {TEST: scores}})


def _described(pairs: Pairs) -> dict[str, Any]:
    sources = Counter(sample.row.source for sample, _ in pairs)
    lesions = {source: {s.row.lesion_id for s, _ in pairs if s.row.source == source} for source in sources}
    return {
        source: {"images": count, "lesions": len(lesions[source]), "licence": LICENCES[source]}
        for source, count in sorted(sources.items())
    }
