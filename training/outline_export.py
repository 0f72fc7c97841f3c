"""From a run of `training.outline` to the two files that ship. `training.outline_measure` then measures them."""

import hashlib
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import Dim

from core.vision.outline import SHIPPED, OutlineFile
from training.data import LICENCES
from training.masks import with_masks
from training.outline import OutlineConfig
from training.outline_network import ARCHITECTURE, MEAN, STD, OutlineNetwork
from training.run import Sample
from training.splits import TRAIN


class _Probability(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        probability: Tensor = self.network(x).sigmoid()
        return probability


def export_outline(run: Path, *, to: Path = SHIPPED) -> OutlineFile:
    """Write the run's averaged weights as `to` (JSON) with an ONNX file beside it; both or none.

    The ONNX file takes `x`, float [B, 3, S, S], and gives `probability` [B, 1, S, S]. The threshold is 0.5 and nothing
    is measured yet. Raises RuntimeError where ONNX Runtime and torch disagree by more than 1e-4.
    """
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    config = OutlineConfig(**state["config"])
    network = OutlineNetwork()
    network.load_state_dict(state["averaged"])
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        graph, described = Path(folder) / to.with_suffix(".onnx").name, Path(folder) / to.name
        write_onnx(network.eval(), graph, size=config.size)
        file = describe(config, epochs=state["epoch"], graph=graph)
        described.write_text(file.model_dump_json(indent=2) + "\n", encoding="utf-8")
        for path in (graph, described):
            path.chmod(0o644)
            shutil.move(path, to.parent / path.name)
    return file


def describe(config: OutlineConfig, *, epochs: int, graph: Path) -> OutlineFile:
    """What the JSON says of the network in `graph` before it is measured."""
    pairs = with_masks(Path(config.manifest), Path(config.masks))
    return OutlineFile(
        version=f"outline-{hashlib.sha256(graph.read_bytes()).hexdigest()[:12]}",
        architecture=f"U-Net on the first stages of {ARCHITECTURE}",
        input_size=config.size,
        mean=MEAN,
        std=STD,
        threshold=0.5,
        initial_weights=Path(config.initial_weights).name or "random",
        trained_on=_sources([sample for sample, _ in pairs if sample.split == TRAIN]) | {"epochs": epochs},
        scores={},
        coverage={},
        onnx=graph.name,
    )


def write_onnx(network: nn.Module, path: Path, *, size: int) -> None:
    """Write the network to `path`. Raises RuntimeError where ONNX Runtime differs from torch by over 1e-4."""
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


def _sources(samples: list[Sample]) -> dict[str, Any]:
    images = Counter(sample.row.source for sample in samples)
    return {
        source: {
            "images": count,
            "lesions": len({sample.row.lesion_id for sample in samples if sample.row.source == source}),
            "licence": LICENCES[source],
        }
        for source, count in sorted(images.items())
    }
