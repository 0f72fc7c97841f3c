"""Pictures of anything but skin: what a model has to refuse. None of them is ever trained on.

The photographs are scikit-image's own sample pictures; the rest is drawn here.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from core.errors import UnreadableImage
from core.vision.certainty import Certainty
from core.vision.intake import IntakeLimits, take_in
from core.vision.reader import Reader

SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp"}
OF_EACH_KIND = 40
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz    ,."))
SKINS = ((241, 194, 125), (224, 172, 105), (198, 134, 66), (141, 85, 36), (255, 219, 172), (80, 48, 28))


@dataclass(frozen=True)
class Stranger:
    """A picture that shows no skin: what kind it is of, and what it is called."""

    kind: str
    name: str
    image: Image.Image


@dataclass(frozen=True)
class Refusals:
    """How many pictures of one kind there were, how many were refused, and the names of the others."""

    pictures: int
    refused: int
    passed: tuple[str, ...]


def refusals(reader: Reader, strangers: Iterator[Stranger]) -> dict[str, Refusals]:
    """What a reader makes of them, by kind."""
    said: dict[str, list[tuple[str, bool]]] = {}
    for one in strangers:
        refused = reader.read(one.image).certainty is Certainty.UNREADABLE
        said.setdefault(one.kind, []).append((one.name, refused))
    return {
        kind: Refusals(
            len(found), sum(refused for _, refused in found), tuple(n for n, refused in found if not refused)
        )
        for kind, found in said.items()
    }


def sample_photographs() -> Iterator[Stranger]:
    """The pictures that scikit-image brings along, photographs for the most part."""
    yield from photographs(Path(skimage.__file__).parent / "data", kind="scikit-image's pictures")


def photographs(folder: Path, *, kind: str) -> Iterator[Stranger]:
    """Every picture in a folder and below it that the clinic takes in."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            with suppress(UnreadableImage):
                yield Stranger(kind, path.name, take_in(path.read_bytes(), limits=IntakeLimits()).pixels)


def drawn(*, seed: int = 0, of_each: int = OF_EACH_KIND) -> Iterator[Stranger]:
    """Noise, plain colours, gradients, documents, faces, shapes and patterns, the same for the same seed."""
    generator = np.random.default_rng(seed)
    for kind, draw in DRAWN.items():
        for number in range(of_each):
            size = (int(generator.integers(150, 700)), int(generator.integers(150, 700)))
            yield Stranger(kind, f"{kind} {number}", draw(generator, size))


Size = tuple[int, int]
Colour = tuple[int, int, int]


def _colour(generator: np.random.Generator, low: int = 0, high: int = 256) -> Colour:
    red, green, blue = generator.integers(low, high, 3).tolist()
    return red, green, blue


def _plain(generator: np.random.Generator, size: Size) -> Image.Image:
    return Image.new("RGB", size, _colour(generator))


def _noise(generator: np.random.Generator, size: Size) -> Image.Image:
    grains = generator.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(grains)
    return image.filter(ImageFilter.GaussianBlur(float(generator.uniform(0, 2)))) if generator.random() < 0.5 else image


def _gradient(generator: np.random.Generator, size: Size) -> Image.Image:
    rows, columns = generator.integers(2, 9, 2).tolist()
    corners = Image.fromarray(generator.integers(0, 256, (rows, columns, 3), dtype=np.uint8))
    return corners.resize(size, Image.Resampling.BICUBIC)


def _document(generator: np.random.Generator, size: Size) -> Image.Image:
    page = Image.new("RGB", size, _colour(generator, 215))
    draw, height = ImageDraw.Draw(page), int(generator.integers(9, 26))
    font, ink = ImageFont.load_default(height), _colour(generator, 0, 90)
    for y in range(10, size[1] - 10, int(height * 1.5)):
        draw.text((10, y), "".join(generator.choice(LETTERS, size=100)), fill=ink, font=font)
    return page


def _face(generator: np.random.Generator, size: Size) -> Image.Image:
    picture = Image.new("RGB", size, _colour(generator))
    draw = ImageDraw.Draw(picture)
    x, y = size[0] / 2, size[1] / 2
    a, b = x * generator.uniform(0.4, 0.85), y * generator.uniform(0.5, 0.9)
    draw.ellipse((x - a, y - b, x + a, y + b), fill=SKINS[int(generator.integers(len(SKINS)))])
    for side in (-1, 1):
        eye = x + side * a * 0.45
        draw.ellipse((eye - a * 0.15, y - b * 0.33, eye + a * 0.15, y - b * 0.17), fill="white")
        draw.ellipse((eye - a * 0.06, y - b * 0.31, eye + a * 0.06, y - b * 0.19), fill="black")
    draw.line((x, y - b * 0.1, x - a * 0.1, y + b * 0.2, x, y + b * 0.22), fill=(90, 60, 40), width=3)
    draw.arc((x - a * 0.5, y, x + a * 0.5, y + b * 0.6), 20, 160, fill=(150, 30, 30), width=max(2, int(a * 0.06)))
    return picture


def _shapes(generator: np.random.Generator, size: Size) -> Image.Image:
    picture = Image.new("RGB", size, _colour(generator))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(4, 20))):
        x, y, width, height = generator.integers((0, 0, 15, 15), (*size, 160, 160)).tolist()
        shape = draw.rectangle if generator.random() < 0.5 else draw.ellipse
        shape((x, y, x + width, y + height), fill=_colour(generator))
    return picture


def _pattern(generator: np.random.Generator, size: Size) -> Image.Image:
    rows, columns = np.mgrid[: size[1], : size[0]] // int(generator.integers(5, 60))
    odd = (rows + columns) % 2 if generator.random() < 0.5 else columns % 2
    colours = np.array([_colour(generator), _colour(generator)], dtype=np.uint8)
    return Image.fromarray(colours[odd])


DRAWN: dict[str, Callable[[np.random.Generator, Size], Image.Image]] = {
    "plain colours": _plain,
    "noise": _noise,
    "gradients": _gradient,
    "documents": _document,
    "faces": _face,
    "shapes": _shapes,
    "patterns": _pattern,
}
"""How each kind is drawn, of a size in pixels."""
