"""Files made for tests: good ones of every format, and bad ones of every sort. No photograph is behind any of them."""

import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageDraw

from core.demo.lesion_images import draw_lesion

pillow_heif.register_heif_opener()

WIDTH, HEIGHT = 96, 64


@cache
def picture() -> Image.Image:
    """A small lesion with a corner of another colour each, so that a turned or mirrored copy shows."""
    image = draw_lesion(seed=5, size=WIDTH).crop((0, 16, WIDTH, 16 + HEIGHT))
    pen = ImageDraw.Draw(image)
    for (x, y), colour in {(0, 0): "#c03030", (80, 0): "#30a040", (0, 48): "#3050c0", (80, 48): "#e0d040"}.items():
        pen.rectangle((x, y, x + 15, y + 15), fill=colour)
    return image


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """`image` as a file, as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, pixels: bytes = b"", *, bits: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG whose header says what one likes; `pixels` are its rows, each after its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(pixels, 9))
        + png_chunk(b"IEND", b"")
    )


def tiff(width: int, height: int, data: bytes, **tags: int | tuple[int, ...]) -> bytes:
    """A little-endian TIFF of one strip; `tags`, such as t258=(16, 16, 16), are set or replaced by number."""
    values: dict[int, int | tuple[int, ...]] = {
        256: width, 257: height, 258: (8, 8, 8), 259: 1, 262: 2, 273: 8, 277: 3, 278: height, 279: len(data),
    }  # fmt: skip
    values |= {int(name[1:]): value for name, value in tags.items()}
    start = 8 + len(data)
    beyond = start + 2 + 12 * len(values) + 4
    directory, tail = struct.pack("<H", len(values)), b""
    for number, value in sorted(values.items()):
        numbers = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            packed, tail = struct.pack("<I", beyond + len(tail)), tail + packed
        directory += struct.pack("<HHI", number, 4, len(numbers)) + packed
    return struct.pack("<2sHI", b"II", 42, start) + data + directory + bytes(4) + tail


def overwritten(data: bytes, at: int, with_: bytes) -> bytes:
    """`data` with some bytes replaced in place."""
    return data[:at] + with_ + data[at + len(with_) :]


@cache
def good_files() -> dict[str, bytes]:
    """One small file of each format and manner of writing it that mutations start from."""
    image = picture()
    grey = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    frames = [image.rotate(120 * turn) for turn in (1, 2)]
    return {
        "JPEG": encoded(image, "JPEG", quality=95),
        "JPEG, progressive": encoded(image, "JPEG", progressive=True),
        "JPEG, CMYK": encoded(image.convert("CMYK"), "JPEG"),
        "PNG": encoded(image, "PNG"),
        "PNG, palette": encoded(image.quantize(16), "PNG"),
        "PNG, 16 bits": encoded(grey, "PNG"),
        "PNG, animated": encoded(image, "PNG", save_all=True, append_images=frames),
        "WebP": encoded(image, "WEBP", quality=90),
        "WebP, lossless": encoded(image, "WEBP", lossless=True),
        "WebP, animated": encoded(image, "WEBP", save_all=True, append_images=frames, lossless=True),
        "TIFF": encoded(image, "TIFF"),
        "TIFF, LZW": encoded(image, "TIFF", compression="tiff_lzw"),
        "TIFF, JPEG": encoded(image, "TIFF", compression="jpeg"),
        "BMP": encoded(image, "BMP"),
        "HEIC": encoded(image, "HEIF", quality=90),
    }


def bad_files() -> Iterator[tuple[str, bytes, str]]:
    """Name, content, and a word that the sentence must hold, of files that must all be refused."""
    yield from _no_images()
    yield from _too_much()
    yield from _broken()


def _no_images() -> Iterator[tuple[str, bytes, str]]:
    good = good_files()
    padding = bytes(range(256)) * 8
    yield "empty", b"", "empty"
    yield "text", "Befund: unauffällig.\n".encode() * 20, "text"
    yield "text that begins like a bitmap", b"BMI of the patient: 24\n" * 20, "text"
    yield "text in UTF-16", "a letter to the clinic".encode("utf-16"), "text"
    yield "text cut within a character", ("x" * 4095 + "ä").encode(), "text"
    yield "table", b"name,site\nA,arm\n" * 10, "text"
    yield "SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"
    yield "SVG after a declaration", b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg width="9">', "SVG"
    yield "web page", b"<!DOCTYPE html><html><script>alert(1)</script></html>", "web page"
    yield "web page around a JPEG", b"<html><!--" + good["JPEG"] + b"--></html>", "web page"
    yield "PDF", b"%PDF-1.7\n" + padding, "PDF"
    yield "DICOM", bytes(128) + b"DICM" + padding, "DICOM"
    yield "GIF", encoded(picture().quantize(8), "GIF"), "GIF"
    yield "GIF that is an archive too", b"GIF89a" + padding + b"PK\x03\x04", "GIF"
    yield "AVIF", b"\0\0\0\x20ftypavif" + padding, "AVIF"
    yield "JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + padding, "JPEG 2000"
    yield "JPEG XL", b"\xff\x0a" + padding, "JPEG XL"
    yield "Photoshop", b"8BPS\0\1" + padding, "Photoshop"
    yield "video", b"\0\0\0\x20ftypisom" + padding, "video"
    yield "AVI", b"RIFF\0\0\1\0AVI " + padding, "video"
    yield "icon", b"\0\0\1\0\1\0" + padding, "icon"
    yield "ZIP", b"PK\x03\x04" + padding, "ZIP"
    yield "ZIP with a PNG behind", b"PK\x03\x04" + padding + good["PNG"], "ZIP"
    yield "old office document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + padding, "office"
    yield "gzip", b"\x1f\x8b\x08" + padding, "archive"
    yield "Windows program", b"MZ\x90\0" + padding, "program"
    yield "Linux program", b"\x7fELF\2\1\1" + padding, "program"
    yield "shell script", b"#!/bin/sh\nrm -rf /\n", "program"
    yield "zeros", bytes(5000), "known kind"
    yield "noise", np.random.default_rng(1).bytes(5000), "known kind"
    yield "sound", b"RIFF\0\0\1\0WAVE" + padding, "known kind"
    yield "raw of a camera, by its name", b"FUJIFILMCCD-RAW " + padding, "raw"
    yield "raw of a camera, by its first page", tiff(96, 64, bytes(96 * 64 * 3), t254=1), "raw"
    yield "raw of a camera, DNG", tiff(96, 64, bytes(96 * 64 * 3), t50706=1), "raw"


def _too_much() -> Iterator[tuple[str, bytes, str]]:
    good = good_files()
    size_in_jpeg = good["JPEG"].index(b"\xff\xc0") + 5
    size_in_heic = good["HEIC"].index(b"ispe") + 8
    canvas = good["WebP, animated"].index(b"VP8X") + 12
    scans = good["JPEG, progressive"]
    last = scans[scans.rindex(b"\xff\xda") : -2]
    zeros = zlib.compress(bytes(200_000_000), 9)
    yield "26 MB", good["JPEG"] + bytes(26 * 2**20), "25 MB"
    yield "PNG over 60 megapixels", png(10_000, 6_001), "60 megapixels"
    yield "PNG of 400 megapixels", png(20_000, 20_000, bytes(50_020_000), bits=1, colour=0), "60 megapixels"
    yield "PNG of 4 terapixels", png(2**31 - 1, 2**31 - 1), "60 megapixels"
    yield "PNG of one endless row", png(59_000_000, 1), "no side"
    yield "PNG of 31 by 31", encoded(picture().resize((31, 31)), "PNG"), "too small"
    yield "JPEG of one pixel", encoded(picture().resize((1, 1)), "JPEG"), "too small"
    yield "JPEG of 65,500 squared", overwritten(good["JPEG"], size_in_jpeg, b"\xff\xdc\xff\xdc"), "60 megapixels"
    yield "JPEG of a hundred scans", scans[:-2] + last * 100 + b"\xff\xd9", "passes"
    yield "WebP of 16,384 squared", overwritten(good["WebP, animated"], canvas, b"\xff\x3f\0" * 2), "megapixels"
    yield "WebP of 2^48 pixels", overwritten(good["WebP, animated"], canvas, b"\xff\xff\xff" * 2), "damaged"
    yield "TIFF of 10,000 by 6,001", tiff(10_000, 6_001, b"x" * 100), "60 megapixels"
    yield "TIFF of 2^64 pixels", tiff(2**32 - 1, 2**32 - 1, b"x" * 100), "60 megapixels"
    yield "TIFF with a tile of 268 megapixels", _wide_tile(), "60 megapixels"
    yield "BMP of 2^31 squared", overwritten(good["BMP"], 18, b"\xff\xff\xff\x7f" * 2), "60 megapixels"
    yield (
        "HEIC of 30,000 squared",
        overwritten(good["HEIC"], size_in_heic, struct.pack(">II", 30_000, 30_000)),
        "pixels",
    )
    yield "PNG with a profile of 200 MB", png(96, 64, extra=png_chunk(b"iCCP", b"x\0\0" + zeros)), "damaged"
    yield "PNG with a text of 200 MB", png(96, 64, extra=png_chunk(b"zTXt", b"x\0\0" + zeros)), "damaged"
    yield "BMP whose pixels lie far off", overwritten(good["BMP"], 10, b"\xff\xff\xff\x7f"), "damaged"


def _wide_tile() -> bytes:
    data = zlib.compress(bytes(16_384**2), 9)
    return tiff(64, 64, data, t258=8, t259=8, t262=1, t277=1, t322=16_384, t323=16_384, t324=8, t325=len(data))


def _broken() -> Iterator[tuple[str, bytes, str]]:
    good = good_files()
    for name, data in good.items():
        if name != "PNG, animated":  # whose first half holds its first frame, whole
            yield f"half of a {name}", data[: len(data) // 2], "damaged"
        yield f"beginning of a {name}", data[:20], "damaged"
    yield "PNG of no width", png(0, 64), ""
    yield "PNG of no height", png(96, 0), ""
    yield "PNG without pixels", png(96, 64), "damaged"
    yield "PNG of 3 bits", png(96, 64, bytes(9999), bits=3), "damaged"
    yield "PNG without a header", b"\x89PNG\r\n\x1a\n" + png_chunk(b"IEND", b""), "damaged"
    yield "JPEG that is a web page", b"\xff\xd8\xff<html><script>alert(1)</script>", "damaged"
    yield "JPEG without an end", b"\xff\xd8\xff\xe0" + b"\xff" * 5000, "damaged"
    yield "TIFF without a directory", struct.pack("<2sHI", b"II", 42, 2**31), "damaged"
    yield "TIFF with a directory in itself", struct.pack("<2sHI", b"II", 42, 0) * 40, ""
    yield "TIFF of 65,535 entries", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 4000, "damaged"
    plain = tiff(96, 64, bytes(96 * 64 * 3))
    yield "TIFF with a strip beyond its end", tiff(96, 64, bytes(96 * 64 * 3), t273=2**31), "damaged"
    yield (
        "TIFF with a table of 16 GB",
        plain.replace(struct.pack("<HHI", 258, 4, 3), b"\2\1\4\0" + b"\xff" * 4),
        "damaged",
    )
    yield "TIFF of 200 samples", tiff(96, 64, bytes(96 * 64 * 3), t277=200), "damaged"
    yield "TIFF of bare YCbCr", tiff(96, 64, bytes(96 * 64 * 3), t262=6, t530=(1, 1)) + bytes(9999), "YCbCr"
    yield "TIFF of an unknown compression", tiff(96, 64, bytes(96 * 64 * 3), t259=65_000), "damaged"
    yield "BigTIFF of nothing", b"II+\0\x08\0\0\0" + b"\xff" * 64, "damaged"
    yield "BMP of no size", overwritten(good["BMP"], 18, bytes(8)), ""
    yield "BMP of 77 bits", overwritten(good["BMP"], 28, b"\x4d\0"), "damaged"
    yield "WebP of no chunk", b"RIFF\xff\xff\xff\xffWEBP" + bytes(64), "damaged"
    yield "WebP of an empty chunk", b"RIFF\x0c\0\0\0WEBPVP8L\0\0\0\0", "damaged"
    yield "HEIC of its type alone", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged"
    yield "HEIC of zeros", good["HEIC"][:32] + bytes(2000), "damaged"
