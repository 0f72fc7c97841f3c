"""Drawn dermoscopy-like pictures: skin, a pigmented lesion, a few hairs. No photograph is behind them.

They serve the demonstration and the tests. They are not fit to train a model on, and what a model says of one means
nothing.
"""

import zlib
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Field = NDArray[np.float32]
"""(side, side) for a quantity, (side, side, 3) for red, green and blue in 0..1."""

MARGIN = 1.2
"""The scene is drawn this much wider than the picture, so that a visit may turn and shift it without baring an edge."""


@dataclass(frozen=True)
class Look:
    """What sets one kind of lesion apart: colours in 0..1, the rest from 0 (none) to 1 (strong)."""

    colour: tuple[float, float, float]
    core: tuple[float, float, float]
    radius: float
    irregular: float
    soft: float
    network: float
    globules: int
    patchy: float


LOOKS: dict[str, Look] = {
    "nevus": Look((0.58, 0.36, 0.23), (0.40, 0.23, 0.15), 0.24, 0.10, 0.7, 0.75, 14, 0.25),
    "melanoma": Look((0.47, 0.28, 0.20), (0.21, 0.14, 0.14), 0.27, 0.24, 0.55, 0.6, 26, 0.75),
    "seborrheic keratosis": Look((0.63, 0.44, 0.31), (0.45, 0.30, 0.21), 0.26, 0.15, 0.15, 0.2, 40, 0.5),
    "basal cell carcinoma": Look((0.79, 0.47, 0.43), (0.60, 0.40, 0.42), 0.23, 0.20, 0.9, 0.0, 12, 0.6),
    "vascular lesion": Look((0.66, 0.18, 0.20), (0.42, 0.07, 0.13), 0.19, 0.14, 0.3, 0.0, 22, 0.4),
}
"""The kinds that can be drawn, by their names in `core.taxonomy`."""

FAMILIAR = ("nevus", "melanoma", "basal cell carcinoma")
"""Those that the shipped model mostly takes for pictures of lesions; it refuses the others as drawings, rightly."""


def draw_lesion(*, seed: int, size: int = 512, growth: float = 1.0, kind: str = "nevus", visit: int = 0) -> Image.Image:
    """Draw lesion `seed` as an 8-bit RGB picture of `size` by `size` pixels; the same arguments give the same picture.

    `growth` above 1 draws the same lesion larger, darker and more ragged. `visit` is another day: the same lesion a
    little turned and shifted, under other light, with other hairs across it. `kind` is one of `LOOKS`; any other
    raises KeyError.
    """
    look = LOOKS[kind]
    which = [seed, zlib.crc32(kind.encode())]
    day = np.random.default_rng([*which, visit + 1])
    skin, rng = _skin_of(*which, round(size * MARGIN))
    scene = _pigment(deepcopy(rng), skin, look, growth)
    picture = _photograph(day, scene, size)
    return _hairs(day, picture, count=int(day.integers(0, 7)))


@lru_cache(maxsize=4)
def _skin_of(seed: int, kind: int, side: int) -> tuple[Field, np.random.Generator]:
    """The skin around a lesion and the numbers to go on with, kept since a lesion is drawn once for each visit."""
    rng = np.random.default_rng([seed, kind])
    skin = _skin(rng, side)
    skin.flags.writeable = False
    return skin, rng


def _noise(rng: np.random.Generator, side: int, cells: int, octaves: int = 4) -> Field:
    """Fractal noise of mean 0 and standard deviation 1; its largest features are `cells` to the side."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        grid = rng.standard_normal((cells << octave, cells << octave)).astype(np.float32)
        layer = Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)
        total += np.asarray(layer) / 2**octave
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def _cells(rng: np.random.Generator, side: int, count: int) -> tuple[Field, Field]:
    """Distance to the nearest and the next nearest of `count` by `count` scattered points, in cells (Worley 1996)."""
    points = rng.random((count + 2, count + 2, 2)).astype(np.float32) * 0.8 + 0.1
    y, x = (np.mgrid[:side, :side].astype(np.float32) + 0.5) * (count / side)
    # Bent a little: cells with straight sides look like tiles, and skin does not.
    x, y = (np.clip(axis + 0.22 * _noise(rng, side, count, 2), 0, count - 0.01) for axis in (x, y))
    row, column = y.astype(int), x.astype(int)
    first, up, left = row * (count + 2) + column, y - row, x - column
    downs, rights = points[..., 0].ravel(), points[..., 1].ravel()
    # Squared, and the two smallest kept as they come: sorting nine distances a pixel takes three times as long.
    near = next_near = np.full((side, side), np.inf, np.float32)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            which = first + (dy * (count + 2) + dx)
            distance = (downs[which] + (dy - 1) - up) ** 2 + (rights[which] + (dx - 1) - left) ** 2
            next_near = np.minimum(next_near, np.maximum(near, distance))
            near = np.minimum(near, distance)
    return np.sqrt(near, dtype=np.float32), np.sqrt(next_near, dtype=np.float32)


def _smooth(low: float, high: float, value: Field) -> Field:
    ramp = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def _blend(under: Field, colour: tuple[float, float, float] | Field, share: Field) -> Field:
    return np.asarray(under + (np.asarray(colour, np.float32) - under) * share[..., None], np.float32)


def _skin(rng: np.random.Generator, side: int) -> Field:
    """Skin of a tone drawn at random, mottled, with the fine furrows that a dermatoscope shows."""
    light, dark = np.array((0.91, 0.73, 0.64)), np.array((0.74, 0.53, 0.42))
    tone = light + (dark - light) * rng.beta(1.2, 2.5)
    skin = np.broadcast_to(tone, (side, side, 3)).astype(np.float32)
    skin = _blend(skin, (0.86, 0.50, 0.46), 0.10 + 0.05 * np.clip(_noise(rng, side, 5), -2, 2))
    near, next_near = _cells(rng, side, 26)
    furrow = 1 - _smooth(0.0, 0.16, next_near - near)
    grain = _noise(rng, side, 60, 3)
    return np.asarray(skin * (1 - 0.022 * furrow + 0.012 * grain)[..., None], np.float32)


def _depth(rng: np.random.Generator, side: int, look: Look, growth: float) -> Field:
    """How deep inside the lesion a point lies: 1 at its middle, 0 on its outline, negative outside."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side - 0.5
    angle = np.arctan2(y, x)
    ragged = look.irregular * growth
    outline = 1 + rng.uniform(0.05, 0.22) * np.cos(2 * (angle - rng.uniform(0, np.pi)))
    for k in range(3, 9):
        outline += ragged * rng.normal() * 1.1 / k * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    wobble = 0.05 * (0.5 + ragged) * _noise(rng, side, 9)
    return np.asarray(1 - np.hypot(x, y) * MARGIN / (look.radius * growth * outline) + wobble, np.float32)


def _globules(rng: np.random.Generator, side: int, look: Look, growth: float) -> Field:
    """Round clods strewn through the lesion: 1 within, 0 without."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side - 0.5
    uneven = 0.0015 * _noise(rng, side, 9)
    clods = np.zeros((side, side), np.float32)
    for _ in range(look.globules):
        turn, far, wide = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.85), rng.uniform(0.006, 0.015)
        out = look.radius * growth * far / MARGIN
        right, down = out * np.cos(turn), out * np.sin(turn)
        part = _around(down, side, wide), _around(right, side, wide)
        away = np.asarray(np.hypot(x[part] - right, y[part] - down) + uneven[part], np.float32)
        clods[part] = np.maximum(clods[part], 1 - _smooth(0.3 * wide, 1.5 * wide, away))
    return clods


def _around(middle: float, side: int, wide: float) -> slice:
    """The rows or columns that a clod may touch; the rest of the picture need not be looked at."""
    reach = 1.5 * wide + 0.01
    return slice(max(0, int((middle - reach + 0.5) * side)), max(0, int((middle + reach + 0.5) * side) + 1))


def _pigment(rng: np.random.Generator, skin: Field, look: Look, growth: float) -> Field:
    """Lay the lesion over the skin: body, darker core, pigment network, globules, blue-white veil."""
    side = len(skin)
    depth = _depth(rng, side, look, growth)
    body = _smooth(-0.05 - 0.2 * look.soft, 0.06 + 0.25 * look.soft, depth)
    dark = 0.9 * depth + look.patchy * _noise(rng, side, 5) + 0.25 * (growth - 1)
    core = body * _smooth(-0.6, 1.6, np.asarray(dark, np.float32))
    picture = _blend(_blend(skin, look.colour, 0.82 * body), look.core, 0.85 * core)

    near, next_near = _cells(rng, side, 44)
    lines = 1 - _smooth(0.02, 0.34, next_near - near)
    reach = _smooth(-0.18, 0.12, depth) * (0.55 + 0.45 * _smooth(-1, 1, _noise(rng, side, 4)))
    picture = _blend(picture, look.core, 0.55 * look.network * lines * reach * (1 - 0.6 * core))
    pale = look is LOOKS["seborrheic keratosis"]
    globules = _globules(rng, side, look, growth)
    picture = _blend(picture, (0.88, 0.76, 0.58) if pale else look.core, 0.7 * globules * body)
    veil = look.patchy**2 * _smooth(0.9, 2.0, _noise(rng, side, 4)) * _smooth(0.15, 0.5, depth)
    picture = _blend(picture, (0.52, 0.55, 0.66), 0.5 * veil)
    return np.asarray(picture * (1 + 0.02 * body * _noise(rng, side, 70, 2))[..., None], np.float32)


def _photograph(day: np.random.Generator, scene: Field, size: int) -> Image.Image:
    """Take the picture: turn, shift, light that falls off towards the corners, the sensor's noise."""
    side = len(scene)
    wide = Image.fromarray((np.clip(scene, 0, 1) * 255).astype(np.uint8))
    shift = day.uniform(-0.015, 0.015, 2) * side
    turned = wide.rotate(float(day.normal(0, 3)), Image.Resampling.BICUBIC, translate=(int(shift[0]), int(shift[1])))
    edge = (side - size) // 2
    pixels = np.asarray(turned.crop((edge, edge, edge + size, edge + size)), np.float32) / 255
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    light = 1.03 - 0.55 * np.clip(np.hypot(x, y) - 0.28, 0, None) ** 1.5 + day.normal(0, 0.04) * x
    warmth = 1 + day.normal(0, 0.012, 3)
    pixels = pixels * light[..., None] * warmth + day.normal(0, 0.008, pixels.shape)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(size / 1200))


def _hairs(day: np.random.Generator, picture: Image.Image, *, count: int) -> Image.Image:
    """Lay `count` hairs across, each a curve of one bend, drawn at twice the size so that its edges are smooth."""
    side = picture.width * 2
    strands = Image.new("L", (side, side))
    pen = ImageDraw.Draw(strands)
    for _ in range(count):
        start, bend, end = day.uniform(-0.1, 1.1, (3, 2)) * side
        t = np.linspace(0, 1, 60)[:, None]
        curve = (1 - t) ** 2 * start + t * (1 - t) * (bend * 0.6 + (start + end) * 0.7) + t**2 * end
        pen.line([(float(x), float(y)) for x, y in curve], fill=int(day.integers(120, 220)), width=max(2, side // 260))
    mask = strands.resize(picture.size, Image.Resampling.LANCZOS)
    return Image.composite(Image.new("RGB", picture.size, (52, 36, 30)), picture, mask)
