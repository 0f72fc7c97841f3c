"""From a picture to what the network reads: the one way, in training and in the clinic alike.

A picture is squashed to a square rather than cropped or padded: the public sets are mostly 4:3 or already squashed, a
crop can lose the border of a lesion, and padding is a shape that a network can learn to tell sources by.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Tensor = npt.NDArray[np.float32]


def to_square(image: Image.Image, *, size: int) -> Pixels:
    """Squash an RGB picture to uint8 [size, size, 3], antialiased. Raises ValueError for another mode than RGB."""
    if image.mode != "RGB":
        raise ValueError(f"an RGB picture is needed, not {image.mode}")
    # reducing_gap makes a photograph of many megapixels cheap to shrink; a small picture is left alone by it.
    square = image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(square, dtype=np.uint8)


def normalise(pixels: Pixels, *, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """From uint8 [S, S, 3] to float32 [3, S, S], where `mean` and `std` are of values scaled to 0..1."""
    scale = np.float32(1 / 255) / np.asarray(std, dtype=np.float32)
    shift = np.asarray(mean, dtype=np.float32) / np.asarray(std, dtype=np.float32)
    # Channel by channel, so that each is read, scaled and laid down once.
    planes = np.empty((pixels.shape[2], *pixels.shape[:2]), dtype=np.float32)
    for channel, plane in enumerate(planes):
        np.multiply(pixels[:, :, channel], scale[channel], out=plane)
        np.subtract(plane, shift[channel], out=plane)
    return planes


def to_input(image: Image.Image, *, size: int, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """From an RGB picture of any size to float32 [3, size, size]. Raises ValueError for another mode than RGB."""
    return normalise(to_square(image, size=size), mean=mean, std=std)
