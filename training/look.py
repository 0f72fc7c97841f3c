"""One look at one file: is it an image, of which bytes, by which camera, and what does it show?"""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.vision.preprocess import Pixels, to_square
from training.pixels import HASH_SIZE

_MAKE, _MODEL = 271, 272
"""EXIF's tags of a camera's maker and model."""


@dataclass(frozen=True)
class Look:
    """One file as it lies there; `why` says why it cannot be read, and is empty where it can."""

    sha256: str = ""
    camera: str = ""
    pixels: Pixels = field(default_factory=lambda: np.zeros((HASH_SIZE, HASH_SIZE, 3), np.uint8))
    why: str = ""


def look_at(path: Path) -> Look:
    """Read one file. What cannot be read comes back with the reason."""
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            camera = camera_of(image)
            image.draft("RGB", (4 * HASH_SIZE, 4 * HASH_SIZE))
            pixels = to_square(image.convert("RGB"), size=HASH_SIZE)
    except FileNotFoundError:
        return Look(why="no such file")
    except UnidentifiedImageError:
        return Look(why="no image of a known kind")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return Look(why=f"damaged: {error}")
    return Look(hashlib.sha256(data).hexdigest(), camera, pixels)


def camera_of(image: Image.Image) -> str:
    """What stands for the camera: its name where EXIF has it, else how the file was made.

    The public sets are stripped of EXIF. What is left is the size in pixels and the JPEG's quantisation table, here
    told by its first and its mean entry: the same program at the same quality writes the same table.
    """
    exif = image.getexif()
    named = " ".join(str(exif[tag]).strip("\0 ") for tag in (_MAKE, _MODEL) if exif.get(tag))
    if named:
        return named
    made = f"{image.width} x {image.height} {image.format}"
    tables: dict[int, list[int]] = getattr(image, "quantization", {})
    if not tables:
        return made
    table = tables[min(tables)]
    return f"{made}, quantised by {table[0]} (mean {sum(table) / len(table):.0f})"
