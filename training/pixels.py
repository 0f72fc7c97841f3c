"""Images in memory: a whole set, squashed once to a small square, is a few hundred megabytes and needs no loader."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.vision.preprocess import Pixels, to_square
from training.data import Row


def load_pixels(rows: Sequence[Row], *, size: int, cache: Path | None = None) -> Pixels:
    """The images of `rows` in their order as uint8 [N, size, size, 3]; kept in the folder `cache` for the next time."""
    key = hashlib.sha256("\n".join(str(row.path) for row in rows).encode()).hexdigest()[:16]
    file = cache / f"{key}-{size}.npy" if cache else None
    if file and file.exists():
        stored: Pixels = np.load(file)
        return stored
    pixels = np.empty((len(rows), size, size, 3), dtype=np.uint8)
    for index, row in enumerate(rows):
        with Image.open(row.path) as image:
            pixels[index] = to_square(image.convert("RGB"), size=size)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, pixels)
        unfinished.rename(file)
    return pixels


def perceptual_hashes(pixels: Pixels) -> npt.NDArray[np.uint64]:
    """One 64-bit DCT hash (imagehash.phash) per image of uint8 [N, S, S, 3]."""
    bits = np.stack([imagehash.phash(Image.fromarray(image)).hash.ravel() for image in pixels])
    packed: npt.NDArray[np.uint64] = np.packbits(bits, axis=1).view(np.uint64).ravel()
    return packed


def similar_pairs(hashes: npt.NDArray[np.uint64], *, at_most: int) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, whose hashes differ in `at_most` bits of 64."""
    pairs = []
    for index, own in enumerate(hashes):
        distance = np.bitwise_count(hashes[index + 1 :] ^ own)
        pairs += [(index, index + 1 + int(other)) for other in np.flatnonzero(distance <= at_most)]
    return pairs
