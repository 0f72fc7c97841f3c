"""From a run to the three files that ship: calibrated on the validation split, checked against torch, written whole."""

import hashlib
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch.export import Dim

from core.vision.model_file import SHIPPED, ModelFile
from core.vision.reader import OUTPUTS
from training.calibrate import choose_offsets, choose_threshold, conformal_bounds, fit_temperature
from training.certainty import choose_familiar, choose_limits, strangeness_of
from training.data import LICENCES
from training.labels import CLASSES
from training.metrics import attention, score, softmax, truly_needs_attention
from training.network import OnePass, Watch, build_network, input_statistics, predict_logits, predict_statistics
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

    The ONNX file takes `x`, float [B, 3, S, S], and gives what `training.network.OnePass` does. `size` is the input's
    side; None lets the validation split choose.
    Raises RuntimeError where ONNX Runtime and torch disagree, ValueError for a run whose split leaks.
    """
    config = FitConfig.load(run / "config.json")
    if config.protocol != BY_LESION:
        raise ValueError(f"a run of the protocol {config.protocol!r} shows what leaks, and is not to be shipped")
    samples = load_manifest(run / "manifest.csv")
    network = load_network(run)
    mean, std = input_statistics(network)
    size = size or choose_size(network, samples, trained_at=max(config.phases()), cache=cache)

    rows = {split: [sample.row for sample in samples if sample.split == split] for split in (TRAIN, VAL, TEST)}
    pixels = {split: load_pixels(of_split, size=size, cache=cache) for split, of_split in rows.items()}
    logits = {split: predict_logits(network, pixels[split], mean=mean, std=std) for split in (VAL, TEST)}
    admissible = {split: admissible_matrix(rows[split]) for split in (TRAIN, VAL)}
    offsets = choose_offsets(logits[VAL], rows[VAL], shares=shares_of_classes(admissible[TRAIN]))
    logits = {split: offsets.applied(of_split) for split, of_split in logits.items()}

    temperature = round(fit_temperature(logits[VAL], admissible[VAL]), 4)
    probabilities = softmax(logits[VAL], temperature=temperature)
    threshold = choose_threshold(
        attention(probabilities),
        truly_needs_attention(rows[VAL]),
        lesions=[row.lesion_id for row in rows[VAL]],
        sources=[row.source for row in rows[VAL]],
    )
    familiar = choose_familiar([row.source for row in rows[TRAIN]], seed=config.seed)
    watch = Watch(torch.from_numpy(predict_statistics(network, pixels[TRAIN][familiar], mean=mean, std=std)))
    limits = choose_limits(
        pixels=pixels[TRAIN][familiar],
        strangeness=strangeness_of(watch, predict_statistics(network, pixels[VAL], mean=mean, std=std)),
        confidence=probabilities.max(axis=1),
    )
    bounds = conformal_bounds(probabilities, admissible[VAL])

    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        graph, weights = (Path(folder) / to.with_suffix(suffix).name for suffix in (".onnx", ".safetensors"))
        write_onnx(OnePass(network, watch), graph, size=size)
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
            class_offsets=dict(zip(CLASSES, offsets.class_offsets.tolist(), strict=True)),
            attention_offset=offsets.attention_offset,
            conformal_bounds=dict(zip(CLASSES, bounds.tolist(), strict=True)),
            certainty=limits,
            initial_weights=Progress.load(run).initial_weights,
            trained_on=describe(samples, TRAIN),
            scores={
                split: score(of_split, rows[split], temperature=temperature, threshold=threshold)
                for split, of_split in logits.items()
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


def shares_of_classes(admissible: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The share of each class, [9], among images [N, 9]; a coarse label counts for a share of each of its classes.

    Half an image is added to each class, so that none has a share of 0.
    """
    counts = (admissible / admissible.sum(axis=1, keepdims=True)).sum(axis=0) + 0.5
    shares: npt.NDArray[np.float64] = counts / counts.sum()
    return shares


def write_onnx(one_pass: OnePass, path: Path, *, size: int) -> None:
    """Write the one-pass network to `path`. Raises RuntimeError where ONNX Runtime differs from torch by over 1e-4."""
    one_pass.eval()
    example = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            one_pass,
            (example,),
            input_names=["x"],
            output_names=OUTPUTS,
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
    for name, ours, theirs in zip(OUTPUTS, expected, session.run(None, {"x": example.numpy()}), strict=True):
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
