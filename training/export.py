"""From a run to the three files that ship: calibrated on the validation split, checked against torch, written whole."""

import hashlib
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch.export import Dim

from core.vision.model_file import SHIPPED, ModelFile
from training.calibrate import choose_threshold, fit_temperature
from training.data import LICENCES
from training.labels import CLASSES
from training.metrics import attention, score, softmax, truly_needs_attention
from training.network import OnePass, build_network, input_statistics, predict_logits
from training.pixels import load_pixels
from training.run import BY_LESION, FitConfig, Progress, Sample, admissible_matrix, load_manifest
from training.splits import TEST, TRAIN, VAL


def load_network(run: Path) -> torch.nn.Module:
    """The averaged weights of a run, ready to read with. Raises OSError where the run has none yet."""
    config = FitConfig.load(run / "config.json")
    network, _ = build_network(config.architecture)
    network.load_state_dict(load_file(run / "checkpoint" / "averaged.safetensors"))
    return network.eval()


def choose_size(network: torch.nn.Module, samples: list[Sample], *, trained_at: int, cache: Path | None) -> int:
    """The input size, among the training size and somewhat larger ones, with the best nine-class AUC on validation.

    Augmentation zooms in, so that lesions look larger in training; a larger input makes up for it (arXiv:1906.06423).
    """
    rows = [sample.row for sample in samples if sample.split == VAL]
    mean, std = input_statistics(network)
    found = {}
    for size in sorted({_to_multiple(trained_at * share) for share in (1.0, 1.125, 1.25, 1.375)}):
        logits = predict_logits(network, load_pixels(rows, size=size, cache=cache), mean=mean, std=std)
        found[size] = score(logits, rows, temperature=1.0, threshold=0.5)["nine_classes"]["macro_auc"] or 0.0
        print(f"{size} px  nine-class AUC on validation {found[size]:.4f}", flush=True)
    return max(found, key=lambda size: found[size])


def export(run: Path, *, to: Path = SHIPPED, size: int | None = None, cache: Path | None = None) -> ModelFile:
    """Write the run's model as `to` (JSON) and, beside it, ONNX and safetensors; all three or none.

    The ONNX file takes `x`, float [B, 3, S, S], and gives `logits` [B, 9] and `maps` [B, 9, S/32, S/32] as
    `training.network.OnePass` describes. `size` is the input's side; None lets the validation split choose.
    Raises RuntimeError where ONNX Runtime and torch disagree, ValueError for a run whose split leaks.
    """
    config = FitConfig.load(run / "config.json")
    if config.protocol != BY_LESION:
        raise ValueError(f"a run of the protocol {config.protocol!r} shows what leaks, and is not to be shipped")
    samples = load_manifest(run / "manifest.csv")
    network = load_network(run)
    mean, std = input_statistics(network)
    size = size or choose_size(network, samples, trained_at=max(config.phases()), cache=cache)

    rows = {split: [sample.row for sample in samples if sample.split == split] for split in (VAL, TEST)}
    logits = {
        split: predict_logits(network, load_pixels(of_split, size=size, cache=cache), mean=mean, std=std)
        for split, of_split in rows.items()
    }
    temperature = round(fit_temperature(logits[VAL], admissible_matrix(rows[VAL])), 4)
    alert = attention(softmax(logits[VAL], temperature=temperature))
    threshold = choose_threshold(
        alert,
        truly_needs_attention(rows[VAL]),
        lesions=[row.lesion_id for row in rows[VAL]],
        sources=[row.source for row in rows[VAL]],
    )

    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        graph, weights = (Path(folder) / to.with_suffix(suffix).name for suffix in (".onnx", ".safetensors"))
        write_onnx(network, graph, size=size)
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, weights)
        model = ModelFile(
            version=f"{config.architecture}-{hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}",
            architecture=config.architecture,
            classes=CLASSES,
            input_size=size,
            mean=mean,
            std=std,
            temperature=temperature,
            malignant_threshold=threshold,
            initial_weights=Progress.load(run).initial_weights,
            trained_on=describe(samples, TRAIN),
            scores={
                split: score(logits[split], rows[split], temperature=temperature, threshold=threshold) for split in rows
            },
            onnx=graph.name,
            weights=weights.name,
        )
        described = Path(folder) / to.name
        described.write_text(model.model_dump_json(indent=2) + "\n", encoding="utf-8")
        for path in (weights, graph, described):
            path.chmod(0o644)
            shutil.move(path, to.parent / path.name)
    return model


def write_onnx(network: torch.nn.Module, path: Path, *, size: int) -> None:
    """Write the one-pass network to `path`. Raises RuntimeError where ONNX Runtime differs from torch by over 1e-4."""
    one_pass = OnePass(network).eval()
    example = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            one_pass,
            (example,),
            input_names=["x"],
            output_names=["logits", "maps"],
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
        expected = one_pass(example)
    for name, ours, theirs in zip(("logits", "maps"), expected, session.run(None, {"x": example.numpy()}), strict=True):
        difference = float(np.abs(ours.numpy() - theirs).max())
        if difference > 1e-4:
            raise RuntimeError(f"ONNX Runtime's {name} differ from torch's by {difference:.1e}")


def describe(samples: list[Sample], split: str) -> dict[str, dict[str, object]]:
    """Per source: images, lesions, licence and images per label of one side of the split."""
    described: dict[str, dict[str, object]] = {}
    for source in sorted({sample.row.source for sample in samples}):
        rows = [sample.row for sample in samples if sample.row.source == source and sample.split == split]
        described[source] = {
            "images": len(rows),
            "lesions": len({row.lesion_id for row in rows}),
            "licence": LICENCES[source],
            "labels": dict(sorted(Counter(" or ".join(sorted(row.labels)) for row in rows).items())),
        }
    return described


def _to_multiple(size: float, of: int = 16) -> int:
    return max(of, round(size / of) * of)
