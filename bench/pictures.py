"""The image files that are read: drawn lesions, as JPEG of the sizes that are met."""

import io
import os
from functools import cache
from pathlib import Path

from PIL import Image

from core.demo.lesion_images import LOOKS, draw_lesion

SIZES = {"200 x 150": (200, 150), "600 x 450": (600, 450), "4000 x 3000": (4000, 3000)}
"""In pixels: HAM10000 at a third of its size, HAM10000 as published, a telephone's camera."""


@cache
def lesion_jpeg(size: tuple[int, int], *, seed: int = 1) -> bytes:
    """A drawn lesion as a JPEG file of quality 90; another seed is another lesion."""
    kind = list(LOOKS)[seed % len(LOOKS)]
    file = io.BytesIO()
    # Drawn small where the file is large: what is timed is the pixels, not the drawing.
    draw_lesion(seed=seed, size=min(size[0], 800), kind=kind).resize(size).save(file, "JPEG", quality=90)
    return file.getvalue()


def lesions(count: int) -> tuple[str, list[Image.Image]]:
    """`count` lesions, and what they are: HAM10000's where DERMTRAIL_DATA names a folder with it, otherwise drawn."""
    folder = Path(os.environ.get("DERMTRAIL_DATA", "")) / "ham10000" / "images"
    files = sorted(folder.glob("*.jpg"))
    if not files:
        kinds = list(LOOKS)
        drawn = [draw_lesion(seed=seed, size=300, kind=kinds[seed % len(kinds)]) for seed in range(count)]
        return "drawn lesions", drawn
    return "images of HAM10000", [Image.open(file).convert("RGB") for file in files[:: len(files) // count][:count]]
