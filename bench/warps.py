"""A second picture of a lesion, made from the first by a warp that is known: what registration is measured with."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.vision.registration import Matrix

MOST_SCALE = 1.4
"""The second picture shows the lesion up to this much larger, or smaller, than the first."""

MOST_SHIFT = 0.1
"""Of the picture's width, each way."""

_BORDERS = (cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT, "skin")
"""What lies where the first picture ends: nobody can know it, so each way of making it up is met."""


@dataclass(frozen=True)
class Warped:
    """The second picture, and the truth: `matrix` takes its pixel coordinates to those of the first."""

    picture: Image.Image
    matrix: Matrix
    turn: float
    scale: float


def warped(
    first: Image.Image,
    rng: np.random.Generator,
    *,
    enlarged: float = 1.0,
    square: bool = False,
    lens: float = 0.0,
    vignette: bool = False,
    growth: float = 1.0,
) -> Warped:
    """Photograph `first` again: turned by any angle, scaled, shifted, in other light, blurred, with other hairs.

    `enlarged` multiplies the second picture's pixels, `square` crops it, `lens` bends it towards its corners by that
    share of its width, `vignette` leaves its corners black as a dermatoscope's round front does, `growth` enlarges what
    lies in the middle while the skin around it stays.
    """
    width, height = first.size
    shape = (min(first.size),) * 2 if square else first.size
    out_width, out_height = (round(side * enlarged) for side in shape)
    turn, scale = rng.uniform(-180, 180), MOST_SCALE ** rng.uniform(-1, 1)
    shift = rng.uniform(-MOST_SHIFT, MOST_SHIFT, 2) * width
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    # From the second picture, whose middle is out_*/2, to the first: 1 / scale, since there the lesion is larger.
    size = 1 / (scale * enlarged)
    to_middle = np.array([[1, 0, -(out_width - 1) / 2], [0, 1, -(out_height - 1) / 2], [0, 0, 1]])
    turned = np.array([[size * cos, -size * sin, 0], [size * sin, size * cos, 0], [0, 0, 1]])
    from_middle = np.array([[1, 0, (width - 1) / 2 + shift[0]], [0, 1, (height - 1) / 2 + shift[1]], [0, 0, 1]])
    matrix = from_middle @ turned @ to_middle
    pixels = _sampled(
        grown_middle(np.asarray(first.convert("RGB")), growth), matrix, (out_width, out_height), lens, rng
    )
    picture = _hairs(rng, _lit(rng, pixels, vignette=vignette), count=int(rng.integers(0, 11)))
    return Warped(picture, matrix, turn, scale)


def grown_middle(pixels: NDArray[np.uint8], growth: float) -> NDArray[np.uint8]:
    """The middle enlarged, less and less from a quarter of the picture's breadth to two fifths, where nothing moves."""
    if growth == 1:
        return pixels
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    inner = np.clip((0.4 - np.hypot(x, y) / min(height, width)) / 0.15, 0, 1)
    size = 1 + (1 / growth - 1) * inner
    map_x, map_y = x * size + (width - 1) / 2, y * size + (height - 1) / 2
    return np.asarray(cv2.remap(pixels, np.float32(map_x), np.float32(map_y), cv2.INTER_CUBIC), np.uint8)


def _sampled(
    pixels: NDArray[np.uint8], matrix: Matrix, size: tuple[int, int], lens: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float64), np.arange(size[1], dtype=np.float64))
    bent = np.stack([x - (size[0] - 1) / 2, y - (size[1] - 1) / 2]) / max(size)
    # Radial: nothing moves in the middle, the corners by `lens` of the width.
    x, y = (axis + lens * max(size) * part * 2 * (bent**2).sum(axis=0) for axis, part in zip((x, y), bent, strict=True))
    w = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    map_x, map_y = (axis.reshape(x.shape).astype(np.float32) for axis in w[:2])
    border = _BORDERS[rng.integers(len(_BORDERS))]
    if border == "skin":
        colour = np.median(pixels[[0, -1]].reshape(-1, 3), axis=0)
        filled = cv2.remap(
            pixels, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=colour.tolist()
        )
    else:
        filled = cv2.remap(pixels, map_x, map_y, cv2.INTER_CUBIC, borderMode=int(border))
    return np.asarray(filled, np.uint8)


def _lit(rng: np.random.Generator, pixels: NDArray[np.uint8], *, vignette: bool) -> Image.Image:
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width] / max(height, width) - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    ramp = 1 + rng.uniform(0, 0.3) * (np.cos(angle) * x + np.sin(angle) * y)
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.93, 1.07, 3)
    light = (pixels / 255) ** rng.uniform(0.8, 1.25) * gain * ramp[..., None]
    blurred = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.2, 1.5) * max(height, width) / 256)
    noisy = blurred + rng.normal(0, rng.uniform(0, 0.015), blurred.shape)
    if vignette:
        away = np.hypot(*(np.mgrid[:height, :width] - np.array([height / 2, width / 2])[:, None, None]))
        noisy[away > 0.52 * min(height, width)] = 0.02
    return Image.fromarray((np.clip(noisy, 0, 1) * 255).astype(np.uint8))


def _hairs(rng: np.random.Generator, picture: Image.Image, *, count: int) -> Image.Image:
    """Dark curves of one bend each, about a hundredth of the width thick at most."""
    twice = (picture.width * 2, picture.height * 2)
    strands = Image.new("L", twice)
    pen = ImageDraw.Draw(strands)
    for _ in range(count):
        start, bend, end = rng.uniform(-0.1, 1.1, (3, 2)) * twice
        t = np.linspace(0, 1, 60)[:, None]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        thick = max(2, round(max(twice) * rng.uniform(0.004, 0.01)))
        pen.line([(float(px), float(py)) for px, py in curve], fill=int(rng.integers(130, 240)), width=thick)
    mask = strands.resize(picture.size, Image.Resampling.LANCZOS)
    return Image.composite(Image.new("RGB", picture.size, (48, 34, 28)), picture, mask)
