"""What kind of file some bytes are, by their content alone: a name or an extension proves nothing.

The signatures are those of each format's own specification.
"""

import re
from dataclasses import dataclass

from core.errors import UnreadableImage


@dataclass(frozen=True)
class Format:
    """A format that is taken in: its name for people, and Pillow's plugin for it."""

    name: str
    plugin: str


JPEG = Format("JPEG", "JPEG")
PNG = Format("PNG", "PNG")
WEBP = Format("WebP", "WEBP")
TIFF = Format("TIFF", "TIFF")
BMP = Format("BMP", "BMP")
HEIC = Format("HEIC", "HEIF")

SUPPORTED: dict[Format, re.Pattern[bytes]] = {
    JPEG: re.compile(rb"\xff\xd8\xff"),
    PNG: re.compile(rb"\x89PNG\r\n\x1a\n"),
    WEBP: re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    TIFF: re.compile(rb"II[*+]\0|MM\0[*+]"),
    # "BM" alone also begins many a text: the size of the second header settles it.
    BMP: re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    HEIC: re.compile(rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
}

_OTHERS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a PDF document", re.compile(rb".{0,1024}%PDF-", re.DOTALL)),
    ("a DICOM file", re.compile(rb".{128}DICM", re.DOTALL)),
    ("a GIF", re.compile(rb"GIF8[79]a")),
    ("an AVIF image", re.compile(rb".{4}ftypavi[fs]", re.DOTALL)),
    ("a camera's raw file", re.compile(rb"FUJIFILMCCD-RAW|II(?:RO|RS|U\0)|\0MRM|.{4}ftypcrx ", re.DOTALL)),
    ("a video", re.compile(rb".{4}(?:ftyp|moov)|RIFF.{4}AVI |\x1aE\xdf\xa3", re.DOTALL)),
    ("a JPEG 2000 image", re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51")),
    ("a JPEG XL image", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ")),
    ("a Photoshop file", re.compile(rb"8BPS")),
    ("an icon", re.compile(rb"\0\0[\x01\x02]\0")),
    ("a ZIP archive or an office document", re.compile(rb"PK(?:\x03\x04|\x05\x06)|\xd0\xcf\x11\xe0")),
    ("an archive", re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ")),
    ("a program", re.compile(rb"MZ|\x7fELF|#!|[\xcf\xce]\xfa\xed\xfe")),
    ("an SVG drawing", re.compile(rb"[^\0]{0,4096}<svg[\s>]", re.IGNORECASE)),
    ("a web page", re.compile(rb"[^\0]{0,1024}<(?:!doctype\s+html|html|script|body)\b", re.IGNORECASE)),
)


def recognise(data: bytes) -> Format:
    """The format that `data` begins like. Raises UnreadableImage, which names what the file is instead where it can."""
    if not data:
        raise UnreadableImage("This file is empty: perhaps it did not finish copying. Please choose it again.")
    for image_format, signature in SUPPORTED.items():
        if signature.match(data):
            return image_format
    names = ", ".join(image_format.name for image_format in SUPPORTED)
    kind = next((name for name, signature in _OTHERS if signature.match(data)), None)
    if kind is None and _is_text(data[:4096]):
        kind = "a text"
    if kind is None:
        raise UnreadableImage(f"This file is not an image of a known kind. DermTrail reads {names}.")
    raise UnreadableImage(f"This file is {kind}. DermTrail reads {names}: please save the picture as one of these.")


def _is_text(beginning: bytes) -> bool:
    """Whether some bytes are UTF-8 (or UTF-16 with its mark) without control characters."""
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    text = beginning.decode("utf-8", errors="ignore")
    # Nothing may be lost but the one character that the cut at the end may have split.
    return len(beginning) - len(text.encode()) <= 3 and not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)


_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


def jpeg_scans(data: bytes) -> int:
    """How many scans the first image of a JPEG holds (ITU T.81, B.1.1), found by walking its markers."""
    scans, at = 0, 2
    while (marker := _MARKER.search(data, at)) and (code := marker[1][0]) != _END_OF_IMAGE:
        scans += code == _START_OF_SCAN
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans
