"""The network: timm's backbone with our nine outputs, and where its weights start from."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import timm
import torch
from safetensors.torch import load_file
from timm.data.config import resolve_model_data_config
from torch import Tensor, nn

from core.vision.preprocess import Pixels
from training.labels import CLASSES

RANDOM, IMAGENET = "random", "imagenet"

OPEN_GATE = 4.0
"""Bias at which a squeeze-and-excite gate lets 0.98 through, so that it changes little until it is trained."""


def build_network(
    architecture: str, *, initial_weights: str = RANDOM, dropout: float = 0.0, drop_path: float = 0.0
) -> tuple[nn.Module, str]:
    """A network with nine outputs, and where its weights really come from: "imagenet", "random" or a file's name.

    "imagenet" asks timm's hub; where that does not answer the start is random, and said to be. A file is read by
    `load_weights`, which says what it raises.
    """
    make: dict[str, Any] = {"num_classes": len(CLASSES), "drop_rate": dropout, "drop_path_rate": drop_path}
    if initial_weights == IMAGENET:
        try:
            return timm.create_model(architecture, pretrained=True, **make), IMAGENET
        except Exception as error:  # noqa: BLE001  the hub's client has no common root for "cannot be reached"
            print(f"timm's hub does not answer ({type(error).__name__}): starting from random weights", flush=True)
    network = timm.create_model(architecture, pretrained=False, **make)
    if initial_weights in (RANDOM, IMAGENET):
        return network, RANDOM
    path = Path(initial_weights)
    load_weights(network, path)
    return network, path.name


def load_weights(network: nn.Module, path: Path) -> None:
    """Start `network` from a file of weights, safetensors or a torch state dict; a classifier of another size is left.

    An EfficientNet also starts from the weights of an EfficientNet-Lite of its size, whatever their names: the two
    have the same convolutions in the same order, and Lite lacks the squeeze-and-excite gates, which therefore start
    open. Raises OSError without the file, ValueError where it holds the weights of another network.
    """
    given = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    own = network.state_dict()
    if given.keys() != own.keys():
        given = _from_lite(given, own=own)
    differing = [name for name, value in given.items() if value.shape != own[name].shape]
    if any(not name.startswith("classifier.") for name in differing):
        raise ValueError(f"{path.name} holds weights of other shapes than this network's")
    network.load_state_dict({name: value for name, value in given.items() if name not in differing}, strict=False)


def _from_lite(given: dict[str, Tensor], *, own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an EfficientNet-Lite under the names of the EfficientNet whose state is `own`, gates open."""
    shared = [name for name in own if ".se." not in name]
    if len(shared) != len(given):
        raise ValueError("the file does not hold the weights of this network, nor of its Lite sibling")
    renamed = dict(zip(shared, given.values(), strict=True))
    for name, value in own.items():
        if name.endswith(".se.conv_expand.weight"):
            renamed[name] = torch.zeros_like(value)
        elif name.endswith(".se.conv_expand.bias"):
            renamed[name] = torch.full_like(value, OPEN_GATE)
    return renamed


def set_training(network: nn.Module, *, frozen_stages: int) -> None:
    """Put `network` in training mode but for its stem and first `frozen_stages` stages, which stay as they are.

    Raises ValueError for a network that has no stages of an EfficientNet's kind to freeze.
    """
    network.train()
    if not frozen_stages:
        return
    if not hasattr(network, "conv_stem"):
        raise ValueError("only an EfficientNet's stages can be frozen")
    for part in (network.conv_stem, network.bn1, *network.blocks[:frozen_stages]):  # type: ignore[index]
        cast(nn.Module, part).eval().requires_grad_(False)


def input_statistics(network: nn.Module) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and std per channel that the architecture is used to, for values scaled to 0..1."""
    settings = resolve_model_data_config(network)  # type: ignore[no-untyped-call]
    return tuple(settings["mean"]), tuple(settings["std"])


class OnePass(nn.Module):
    """Logits and the nine class activation maps in one forward pass.

    The network ends in global average pooling and a linear layer, so the map of class c is sum_k w_ck A_k over the
    last feature map A, and the mean of the map plus the bias is the logit (Zhou et al. 2016, arXiv:1512.04150). With
    relu and normalising, which are left to the reader of the maps, it equals Grad-CAM on that layer.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """From float [B, 3, S, S] to logits [B, 9] and maps [B, 9, S/32, S/32]."""
        classifier = cast(nn.Linear, self.network.get_submodule("classifier"))
        features = self.network.forward_features(x)  # type: ignore[operator]
        maps = nn.functional.conv2d(features, classifier.weight[:, :, None, None])
        return maps.mean(dim=(2, 3)) + classifier.bias, maps


@torch.inference_mode()
def predict_logits(
    network: nn.Module, pixels: Pixels, *, mean: tuple[float, ...], std: tuple[float, ...], batch_size: int = 64
) -> npt.NDArray[np.float32]:
    """Logits [N, 9] of uint8 [N, S, S, 3], with the network in evaluation mode."""
    network.eval()
    device = next(network.parameters()).device
    centre, scale = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (mean, std))
    logits = []
    for start in range(0, len(pixels), batch_size):
        batch = torch.from_numpy(pixels[start : start + batch_size]).to(device).permute(0, 3, 1, 2).float().div_(255)
        batch = ((batch - centre) / scale).contiguous(memory_format=torch.channels_last)
        logits.append(network(batch).float().cpu().numpy())
    return np.concatenate(logits)
