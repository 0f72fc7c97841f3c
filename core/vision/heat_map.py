"""Heat maps: what the network attended to, shown over the image. They do not show where a lesion ends."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

HeatMap: TypeAlias = npt.NDArray[np.float32]
"""(height, width), 0 to 1, 1 where the network attended most."""

# Dark violet over red and orange to pale yellow: lightness rises all the way, so it reads in grey and for the
# colour-blind too (after matplotlib's inferno).
_STOPS = ((31, 12, 72), (136, 34, 106), (214, 66, 63), (249, 142, 9), (252, 255, 164))
_LEVELS = np.linspace(0, 255, len(_STOPS))
_PALETTE = np.stack([np.interp(np.arange(256), _LEVELS, channel) for channel in np.transpose(_STOPS)], axis=-1)


def from_activation(activation: npt.NDArray[np.float32]) -> HeatMap:
    """Grad-CAM's map of a class from its class activation map, (rows, columns) of any values.

    For a network that ends in global average pooling and a linear layer, Grad-CAM (Selvaraju et al. 2017,
    arXiv:1610.02391, equations 1 and 2) on the last feature map is relu(sum_k w_ck A_k) up to a factor, which the
    scaling to a maximum of 1 removes. All zero where nothing speaks for the class.
    """
    positive = np.maximum(activation, 0).astype(np.float32)
    peak = positive.max()
    return positive / peak if peak > 0 else positive


def overlay(image: Image.Image, heat_map: HeatMap, *, opacity: float = 0.45) -> Image.Image:
    """`image` (RGB) with the heat map over it; cold places stay clear, the hottest are coloured with `opacity` 0..1."""
    levels = Image.fromarray(np.rint(heat_map * 255).astype(np.uint8))
    # A byte a pixel, since the image may have tens of millions of them.
    heat = levels.resize(image.size, Image.Resampling.BICUBIC)
    colours = heat.copy()
    colours.putpalette(np.rint(_PALETTE).astype(np.uint8).tobytes())
    return Image.composite(colours.convert("RGB"), image, heat.point([round(level * opacity) for level in range(256)]))
