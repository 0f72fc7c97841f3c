"""The network: timm's backbone with our nine outputs, and where its weights start from."""

from collections.abc import Callable
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


WATCHED_BLOCKS = (2, 3, 4)
"""The stages of an EfficientNet whose channels tell best whether a picture is like those it was trained on: earlier
ones see colours and edges, later ones tell the classes apart and see little else (docs/EXPERIMENTS.md)."""


class Watch(nn.Module):
    """How unlike the pictures it was fitted on a picture is, by the statistics of `WATCHED_BLOCKS` [B, F].

    The logarithm of the Mahalanobis distance's mean square (Lee et al. 2018, arXiv:1807.03888), 0 where a picture is as
    usual as the average one; in the first `directions` principal components each by its own variance, in all others
    together by their mean.
    """

    centre: Tensor
    spread: Tensor
    whitening: Tensor
    variances: Tensor
    rest: Tensor

    def __init__(self, statistics: Tensor, *, directions: int = 32) -> None:
        """Fit it on float [N, F], N well above `directions`."""
        super().__init__()
        centre, spread = statistics.mean(dim=0), statistics.std(dim=0) + 1e-6
        scaled = (statistics - centre) / spread
        _, singular, components = torch.linalg.svd(scaled, full_matrices=False)
        variances = singular**2 / len(scaled)
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)
        # As a product, so that one matrix multiplication gives the distance along each component.
        self.register_buffer("whitening", components[:directions].T / variances[:directions].sqrt())
        self.register_buffer("variances", variances[:directions])
        self.register_buffer("rest", variances[directions:].mean())

    def forward(self, statistics: Tensor) -> Tensor:
        """From [B, F] to [B]."""
        scaled = (statistics - self.centre) / self.spread
        along = (scaled @ self.whitening) ** 2
        beside = (scaled**2).sum(dim=1) - (along * self.variances).sum(dim=1)
        return ((along.sum(dim=1) + beside.clamp(min=0) / self.rest) / scaled.shape[1]).log()


class OnePass(nn.Module):
    """Everything that a reading needs, of an EfficientNet in one forward pass.

    The network ends in global average pooling and a linear layer, so the map of class c is sum_k w_ck A_k over the
    last feature map A, and the mean of the map plus the bias is the logit (Zhou et al. 2016, arXiv:1512.04150). With
    relu and normalising, which are left to the reader of the maps, it equals Grad-CAM on that layer.
    """

    def __init__(self, network: nn.Module, watch: Watch) -> None:
        super().__init__()
        self.network = network
        self.watch = watch

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From float [B, 3, S, S] to what the ONNX file gives.

        logits [B, 9]; maps [B, 9, S/32, S/32]; features [B, D], the pooled last feature map; strangeness [B] (`Watch`).
        """
        classifier = cast(nn.Linear, self.network.get_submodule("classifier"))
        last, statistics = watched_pass(self.network, x)
        maps = nn.functional.conv2d(last, classifier.weight[:, :, None, None])
        features = last.mean(dim=(2, 3))
        return maps.mean(dim=(2, 3)) + classifier.bias, maps, features, self.watch(statistics)


def watched_pass(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The last feature map [B, D, rows, columns] of an EfficientNet, and the mean and the standard deviation of each
    channel of `WATCHED_BLOCKS`, [B, F]. Raises AttributeError for a network of another kind.
    """
    stem, after_stem, head, after_head = (
        network.get_submodule(name) for name in ("conv_stem", "bn1", "conv_head", "bn2")
    )
    x = after_stem(stem(x))
    statistics = []
    for index, stage in enumerate(cast(nn.Sequential, network.blocks)):
        x = stage(x)
        if index in WATCHED_BLOCKS:
            mean = x.mean(dim=(2, 3))
            variance = (x - mean[:, :, None, None]).square().mean(dim=(2, 3))
            statistics += [mean, (variance + 1e-6).sqrt()]
    return after_head(head(x)), torch.cat(statistics, dim=1)


def predict_logits(
    network: nn.Module, pixels: Pixels, *, mean: tuple[float, ...], std: tuple[float, ...]
) -> npt.NDArray[np.float32]:
    """Logits [N, 9] of uint8 [N, S, S, 3], with the network in evaluation mode."""
    return _in_batches(network, network, pixels, mean=mean, std=std)


def predict_statistics(
    network: nn.Module, pixels: Pixels, *, mean: tuple[float, ...], std: tuple[float, ...]
) -> npt.NDArray[np.float32]:
    """What `Watch` looks at, [N, F], of uint8 [N, S, S, 3], with the network in evaluation mode."""
    return _in_batches(network, lambda x: watched_pass(network, x)[1], pixels, mean=mean, std=std)


@torch.inference_mode()
def _in_batches(
    network: nn.Module,
    call: Callable[[Tensor], Tensor],
    pixels: Pixels,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    batch_size: int = 64,
) -> npt.NDArray[np.float32]:
    network.eval()
    device = next(network.parameters()).device
    centre, scale = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (mean, std))
    found = []
    for start in range(0, len(pixels), batch_size):
        batch = torch.from_numpy(pixels[start : start + batch_size]).to(device).permute(0, 3, 1, 2).float().div_(255)
        batch = ((batch - centre) / scale).contiguous(memory_format=torch.channels_last)
        found.append(call(batch).float().cpu().numpy())
    return np.concatenate(found)
