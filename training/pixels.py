"""Images in memory: a whole set, squashed once to a small square, is a few hundred megabytes and needs no loader."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.vision.preprocess import Pixels, to_square
from training.data import Row

HASH_SIZE = 72
"""Side of the squares on which pictures are compared."""

NEAR_BITS = 12
"""Perceptual hashes of one picture, saved twice, differ in at most so many bits of 64; those of many others do too."""

SAME_DETAIL = 0.5
"""Pictures whose fine detail correlates at least so much are one picture. Looked at pair by pair in the public sets:
all above it are, none below 0.38, and an image at another size and quality is never under 0.84."""


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
    hashes = [imagehash.phash(Image.fromarray(image)).hash for image in pixels]
    bits = np.array(hashes, dtype=np.bool_).reshape(-1, 64)
    packed: npt.NDArray[np.uint64] = np.packbits(bits, axis=1).view(np.uint64).ravel()
    return packed


def similar_pairs(hashes: npt.NDArray[np.uint64], *, at_most: int) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, whose hashes differ in `at_most` bits of 64."""
    pairs = []
    for index, own in enumerate(hashes):
        distance = np.bitwise_count(hashes[index + 1 :] ^ own)
        pairs += [(index, index + 1 + int(other)) for other in np.flatnonzero(distance <= at_most)]
    return pairs


def same_picture(pixels: Pixels, hashes: npt.NDArray[np.uint64]) -> list[tuple[int, int, float]]:
    """Pairs (i, j, correlation), i < j, of uint8 [N, S, S, 3] that are one picture: resized, recoloured, a bit moved.

    A hash sees only the coarse shape, which two dark moles in the middle may share. So what it finds near each other is
    compared in its fine detail: differences from the blurred picture, of equal strength all over, within the round
    field of a dermatoscope; their correlation at the best shift of up to a ninth of the side.
    """
    pairs = np.array(similar_pairs(hashes, at_most=NEAR_BITS)).reshape(-1, 2)
    wanted = np.unique(pairs)
    spectra = np.stack([_detail(pixels[index]) for index in wanted]) if len(wanted) else np.empty((0, 1, 1))
    side = pixels.shape[1]
    reach = side // 9
    shifts = np.r_[0 : reach + 1, side - reach : side]
    found = []
    for start in range(0, len(pairs), 512):
        few = pairs[start : start + 512]
        one, other = (spectra[np.searchsorted(wanted, column)] for column in few.T)
        correlation = np.fft.irfft2(one * other.conj(), s=(side, side))[:, shifts][:, :, shifts].max(axis=(1, 2))
        found += [(int(i), int(j), float(c)) for (i, j), c in zip(few, correlation, strict=True) if c >= SAME_DETAIL]
    return found


def _detail(image: Pixels) -> npt.NDArray[np.complex64]:
    """Spectrum of the fine detail of uint8 [S, S, 3], of zero mean and length 1."""
    grey = image.mean(axis=2, dtype=np.float32)
    detail = grey - gaussian_filter(grey, 1.5)
    detail /= np.sqrt(gaussian_filter(detail**2, 4.0)) + 2.0
    place = np.linspace(-1, 1, len(grey), dtype=np.float32)
    detail *= ((0.8 - np.hypot(place[:, None], place)) / 0.1).clip(0, 1)
    detail -= detail.mean()
    spectrum: npt.NDArray[np.complex64] = np.fft.rfft2(detail / max(np.linalg.norm(detail), 1e-6)).astype(np.complex64)
    return spectrum
