"""The network that outlines a lesion: the first stages of an EfficientNet-Lite0, and a light U-Net decoder on them."""

from pathlib import Path
from typing import cast

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

ARCHITECTURE = "efficientnet_lite0"
STAGES = 5
"""Of the encoder's seven: the last two hold three quarters of the weights and see no finer than a sixteenth."""

WIDTHS = (64, 48, 32, 16)
"""Channels of the decoder at a sixteenth, an eighth, a fourth and half of the input's side."""

MEAN = STD = (0.5, 0.5, 0.5)
"""EfficientNet-Lite was trained on values from -1 to 1."""


class OutlineNetwork(nn.Module):
    """From float [B, 3, S, S] to logits [B, 1, S, S] that a pixel is lesion; S a multiple of 16."""

    def __init__(self, *, initial_weights: Path | None = None) -> None:
        """Start from a state dict of EfficientNet-Lite0, whatever its names; None starts from random weights."""
        super().__init__()
        lite = timm.create_model(ARCHITECTURE, pretrained=False)
        if initial_weights is not None:
            given = torch.load(initial_weights, weights_only=True)
            lite.load_state_dict(dict(zip(lite.state_dict(), given.values(), strict=True)))
        self.stem = nn.Sequential(cast(nn.Module, lite.conv_stem), cast(nn.Module, lite.bn1))
        self.stages = nn.ModuleList(cast(nn.Sequential, lite.blocks)[:STAGES])
        self.neck = _convolution(112, WIDTHS[0], size=1)
        self.decoder = nn.ModuleList(
            _convolution(below + skip, width)
            for below, skip, width in zip(WIDTHS, (40, 24, 16), WIDTHS[1:], strict=False)
        )
        self.head = nn.Conv2d(WIDTHS[-1], 1, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        features = self.stem(x)
        for stage in self.stages:
            features = stage(features)
            if skips and skips[-1].shape[-1] == features.shape[-1]:
                skips.pop()
            skips.append(features)
        features = self.neck(skips.pop())
        for block in self.decoder:
            features = functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
            features = block(torch.cat([features, skips.pop()], dim=1))
        logits = functional.interpolate(self.head(features), scale_factor=2.0, mode="bilinear", align_corners=False)
        return logits


def _convolution(incoming: int, outgoing: int, *, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(outgoing),
        nn.ReLU6(inplace=True),
    )
