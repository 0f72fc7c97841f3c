"""The model as torch runs it, for explanations and for comparison; the clinic's readings never need it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import Unavailable
from core.vision.model_file import SHIPPED, ModelFile

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, eq=False)
class TorchModel:
    """The torch twin of a model's ONNX file.

    Attributes:
        model_file: what the JSON says of it.
        network: in evaluation mode, from float [B, 3, S, S] to logits [B, classes].
        last_layer: the module of `network` that gives its last feature map, [B, D, rows, columns].
    """

    model_file: ModelFile
    network: nn.Module
    last_layer: nn.Module


def load_torch_model(path: Path = SHIPPED) -> TorchModel:
    """Build the network that the JSON at `path` names and give it its weights, all of them and no others.

    Imports torch and timm, which takes seconds. Raises Unavailable where it cannot be loaded.
    """
    import timm  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        model = ModelFile.load(path)
        network = timm.create_model(model.architecture, num_classes=len(model.classes))
        network.load_state_dict(load_file(path.parent / model.weights))
        network.eval()
        # What timm's EfficientNets call the normalisation and activation before the pooling.
        return TorchModel(model, network, network.get_submodule("bn2"))
    # torch, timm and safetensors raise RuntimeError, AttributeError and kinds of their own.
    except Exception as error:
        raise Unavailable("The model's torch weights could not be loaded.") from error
