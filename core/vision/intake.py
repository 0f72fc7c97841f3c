"""An uploaded file to a clean image: 8-bit sRGB pixels, upright, with nothing else left of what came with them.

The kept file is lossless WebP at its fastest setting. Measured on two cores with drawn lesions that had been through
JPEG, sensor noise added (Pillow 12.3):

    ==================  ===================  ====================
                        1.1 megapixels       12 megapixels
    ==================  ===================  ====================
    WebP, method 0       63 ms   0.93 MB      565 ms    9.2 MB
    PNG, level 1         96 ms   1.43 MB      671 ms   14.2 MB
    PNG, level 6        403 ms   1.27 MB     2914 ms   12.3 MB
    ==================  ===================  ====================

Its higher methods took three to eight times as long for 3 to 17 % less. Decoding makes the process grow by about 8
bytes a pixel, encoding by 23 at its peak: 27 MB for 1.1 megapixels, 1.4 GB for 59. The same pixels always give the same
bytes with one version of the library, so the hash of the kept file also tells whether an image was stored before.
"""

import hashlib
import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import BoundedSemaphore

import pillow_heif
from PIL import ExifTags, Image, TiffImagePlugin

from core.errors import UnreadableImage
from core.vision import formats
from core.vision.colour import to_srgb

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

MEDIA_TYPE = "image/webp"
"""What every kept file is."""

MAX_SIDE = 16_383
"""Longest side in pixels that WebP can hold."""

MAX_SCANS = 64
"""A progressive JPEG has about 10 scans. Each costs a pass over all pixels (40 ms at 56 megapixels, from 83 bytes of
file), so that without a limit one upload could keep a core busy for hours."""

_places = BoundedSemaphore(2)
"""The largest files need up to 1.4 GB for a moment: uploads that come at once wait here rather than take all memory."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class IntakeLimits:
    """What is still taken in: bytes of the file, pixels in all, pixels along the shorter side."""

    max_bytes: int = 25 * 1024 * 1024
    max_pixels: int = 60_000_000
    min_side: int = 32


@dataclass(frozen=True, eq=False)
class CleanImage:
    """An image that was taken in.

    Attributes:
        pixels: mode RGB, 8 bits, sRGB, upright, without metadata.
        original_format: what was uploaded, as people call it ("JPEG", "HEIC", ...).
        media_type: of `encoded`.
    """

    pixels: Image.Image
    original_format: str
    media_type: str = MEDIA_TYPE

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.pixels.height

    @cached_property
    def encoded(self) -> bytes:
        """The file to keep, lossless. Made when it is first asked for: who keeps nothing does not pay for it."""
        file = io.BytesIO()
        with _places:
            self.pixels.save(file, "WEBP", lossless=True, method=0, quality=0)
        return file.getvalue()

    @cached_property
    def sha256(self) -> str:
        """Of `encoded`, 64 hexadecimal digits; equal pixels have equal hashes."""
        return hashlib.sha256(self.encoded).hexdigest()


def take_in(data: bytes, *, limits: IntakeLimits) -> CleanImage:
    """Turn an uploaded file into a clean image.

    The kind of file is told by its content. Size and pixels are judged before anything is decoded. Of an animation or
    a file of several pages the first is taken. What a file carries besides its pixels is left behind, whatever it is.
    Raises UnreadableImage with a sentence for the person who uploaded it.
    """
    if len(data) > limits.max_bytes:
        raise UnreadableImage(
            f"This file has {len(data) / 2**20:.1f} MB, and the limit is {limits.max_bytes / 2**20:g} MB. "
            "Please save it smaller, or as JPEG."
        )
    kind = formats.recognise(data)
    damaged = (
        f"This {kind.name} file is damaged or incomplete, or of a rare sort. Please copy it anew, or save it as PNG."
    )
    with _places, _decoding(damaged):
        return CleanImage(_pixels(data, kind, limits), kind.name)


def decode(encoded: bytes) -> Image.Image:
    """The pixels of a kept file, mode RGB. Raises UnreadableImage where it is none."""
    with _decoding("This stored image is damaged."), Image.open(io.BytesIO(encoded), formats=["WEBP"]) as image:
        return image.convert("RGB")


def display_copy(image: Image.Image, *, max_side: int) -> bytes:
    """A JPEG of `image` to show in a page, its longer side at most `max_side` pixels; never enlarged."""
    small = image.copy()
    small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90)
    return file.getvalue()


@contextmanager
def _decoding(sentence: str) -> Iterator[None]:
    """Let every failure of the decoders leave as UnreadableImage with `sentence`.

    They are C libraries and parsers that meet hostile bytes, and nobody lists what they raise. 400,000 mutated files
    raised OSError, ValueError, SyntaxError, EOFError, RuntimeError and Pillow's own; TypeError, struct.error, KeyError
    and MemoryError stand in their sources. A list would show a person a stack trace for the next kind of damage; only
    what is no Exception (an interrupt, an exit) passes. The cause is chained, so a fault of ours can still be found.
    """
    try:
        yield
    except UnreadableImage:
        raise
    except Exception as error:
        raise UnreadableImage(sentence) from error


def _pixels(data: bytes, kind: formats.Format, limits: IntakeLimits) -> Image.Image:
    if kind is formats.JPEG and formats.jpeg_scans(data) > MAX_SCANS:
        raise UnreadableImage("This JPEG is drawn in far more passes than any camera makes. Please save it anew.")
    try:
        opened = Image.open(io.BytesIO(data), formats=[kind.plugin])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's own limit is looser than ours and stays in place behind it.
        raise UnreadableImage(_too_many_pixels(limits)) from error
    with opened as image:
        _judge_size(image, limits)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            _judge_tiff(image, limits)
        image.load()
        # HEIC states its size twice, and the decoder believes the second.
        _judge_size(image, limits)
        pixels = to_srgb(image)
        turn = _UPRIGHT.get(_orientation(image))
    if turn is not None:
        pixels = pixels.transpose(turn)
    pixels.info = {}
    return pixels


def _judge_size(image: Image.Image, limits: IntakeLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise UnreadableImage(_too_many_pixels(limits))
    if max(width, height) > MAX_SIDE:
        raise UnreadableImage(f"This image is {width} by {height} pixels; no side may be longer than {MAX_SIDE}.")
    if min(width, height) < limits.min_side:
        raise UnreadableImage(
            f"This image is only {width} by {height} pixels, too small to see a lesion in: "
            f"each side needs at least {limits.min_side}."
        )


def _too_many_pixels(limits: IntakeLimits) -> str:
    return (
        f"This image has more than {limits.max_pixels / 1e6:g} megapixels, which is the limit. "
        "Please crop it to the lesion, or save it smaller."
    )


def _judge_tiff(image: TiffImagePlugin.TiffImageFile, limits: IntakeLimits) -> None:
    tags = image.tag_v2
    if tags.get(ExifTags.Base.NewSubfileType, 0) & 1 or ExifTags.Base.DNGVersion in tags:
        # Its first page is a thumbnail, and taking that for the image would pass unnoticed.
        raise UnreadableImage("This file is a camera's raw file. Please save the picture from it as TIFF, PNG or JPEG.")
    if (tags.get(ExifTags.Base.PhotometricInterpretation), tags.get(ExifTags.Base.Compression)) == (6, 1):
        # Pillow 12.3 reads three bytes a pixel as if they were four, and false colours may come of it.
        raise UnreadableImage("This TIFF holds uncompressed YCbCr pixels. Please save it as an RGB TIFF or as PNG.")
    # Whole tiles are decoded, and one may be far larger than the image: 1.6 MB of file took 1.3 GB of memory.
    if tags.get(ExifTags.Base.TileWidth, 0) * tags.get(ExifTags.Base.TileLength, 0) > limits.max_pixels:
        raise UnreadableImage(_too_many_pixels(limits))


def _orientation(image: Image.Image) -> int:
    """As EXIF has it, 1 to 8; 1 where it does not say or the EXIF block is damaged, which hurts no pixel."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, OSError, ValueError, TypeError, LookupError, struct.error):
        return 1
    return value if isinstance(value, int) else 1
