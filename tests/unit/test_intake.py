"""Every sort of image file ends as the same pixels, and nothing else of it is left."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.errors import UnreadableImage
from core.vision.intake import MAX_SIDE, CleanImage, IntakeLimits, decode, display_copy, take_in
from tests.generated import HEIGHT, WIDTH, encoded, good_files, overwritten, picture, png, png_chunk, tiff

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

LIMITS = IntakeLimits()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def taken(data: bytes) -> CleanImage:
    clean = take_in(data, limits=LIMITS)
    assert clean.pixels.mode == "RGB"
    return clean


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference in grey levels."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other.convert("RGB"), np.float32)).mean())


def grey() -> Image.Image:
    return picture().convert("L")


def with_alpha(level: int) -> Image.Image:
    image = picture().convert("RGBA")
    image.putalpha(level)
    return image


@pytest.mark.parametrize("name", good_files())
def test_every_format_gives_the_same_picture(name: str) -> None:
    clean = taken(good_files()[name])
    assert clean.original_format == name.partition(",")[0]
    assert (clean.width, clean.height) == (WIDTH, HEIGHT)
    expected = grey() if name == "PNG, 16 bits" else picture()
    exact = name in ("PNG", "PNG, 16 bits", "PNG, animated", "TIFF", "TIFF, LZW", "BMP") or "lossless" in name
    assert difference(clean.pixels, expected) <= (0 if exact else 8)


MODES: dict[str, tuple[bytes, Image.Image]] = {
    "1 bit": (encoded(picture().convert("1"), "PNG"), picture().convert("1")),
    "grey": (encoded(grey(), "PNG"), grey()),
    "grey JPEG": (encoded(grey(), "JPEG", quality=95), grey()),
    "grey with alpha": (encoded(grey().convert("LA"), "PNG"), grey()),
    "palette": (encoded(picture().quantize(64), "PNG"), picture().quantize(64)),
    "palette BMP": (encoded(picture().quantize(64), "BMP"), picture().quantize(64)),
    "palette TIFF": (encoded(picture().quantize(64), "TIFF"), picture().quantize(64)),
    "RGBA PNG": (encoded(with_alpha(255), "PNG"), picture()),
    "RGBA WebP": (encoded(with_alpha(255), "WEBP", lossless=True), picture()),
    "RGBA TIFF": (encoded(with_alpha(255), "TIFF"), picture()),
    "RGBA HEIC": (encoded(with_alpha(255), "HEIF", quality=-1), picture()),
    "CMYK TIFF": (encoded(picture().convert("CMYK"), "TIFF"), picture()),
    "YCbCr TIFF": (
        encoded(picture().convert("YCbCr"), "TIFF", compression="tiff_lzw"),
        picture(),
    ),
    "Lab TIFF": (
        encoded(
            ImageCms.profileToProfile(
                picture(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
            ),
            "TIFF",
        ),
        picture(),
    ),
    "16-bit grey TIFF": (encoded(Image.fromarray(np.asarray(grey()).astype(np.uint16) * 257), "TIFF"), grey()),
    "big-endian 16-bit grey TIFF": (
        encoded(Image.fromarray(np.asarray(grey()).astype(">u2") * 257), "TIFF"),
        grey(),
    ),
    "32-bit grey TIFF": (encoded(Image.fromarray(np.asarray(grey()).astype(np.int32) * 257), "TIFF"), grey()),
    "8-bit values in 32 bits": (encoded(Image.fromarray(np.asarray(grey()).astype(np.int32)), "TIFF"), grey()),
    "float TIFF from 0 to 1": (encoded(Image.fromarray(np.asarray(grey()).astype(np.float32) / 255), "TIFF"), grey()),
    "float TIFF from 0 to 255": (encoded(Image.fromarray(np.asarray(grey()).astype(np.float32)), "TIFF"), grey()),
    "48-bit PNG": (
        png(
            WIDTH,
            HEIGHT,
            b"".join(b"\0" + row.tobytes() for row in np.asarray(picture()).astype(">u2") * np.uint16(257)),
            bits=16,
        ),
        picture(),
    ),
    "48-bit TIFF": (
        tiff(WIDTH, HEIGHT, (np.asarray(picture()).astype("<u2") * 257).tobytes(), t258=(16, 16, 16)),
        picture(),
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_every_kind_of_pixels_ends_as_8_bit_rgb(name: str) -> None:
    data, expected = MODES[name]
    assert difference(taken(data).pixels, expected) < 2.5


def test_float_pixels_that_are_no_numbers_turn_black() -> None:
    values = np.asarray(grey()).astype(np.float32) / 255
    values[0, :3] = np.nan, np.inf, -np.inf
    pixels = np.asarray(taken(encoded(Image.fromarray(values), "TIFF")).pixels)
    assert pixels[0, :3].max() == 0
    assert np.abs(pixels[1:, :, 0].astype(int) - np.asarray(grey())[1:]).max() <= 1


def test_the_first_frame_stands_for_an_animation() -> None:
    for name in ("PNG, animated", "WebP, animated"):
        with Image.open(io.BytesIO(good_files()[name])) as image:
            assert getattr(image, "n_frames", 1) == 3
        assert difference(taken(good_files()[name]).pixels, picture()) < 0.5


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_turns_white(file_format: str) -> None:
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    clear = taken(encoded(with_alpha(0), file_format, **options)).pixels
    assert clear.getextrema() == ((255, 255),) * 3
    half = taken(encoded(with_alpha(128), file_format, **options)).pixels
    assert difference(half, Image.blend(Image.new("RGB", picture().size, "white"), picture(), 128 / 255)) < 1


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_transparent_colour_turns_white(mode: str) -> None:
    image = Image.new("RGB", (64, 64), (10, 20, 30))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    corner = image.getpixel((0, 0))
    assert taken(encoded(image, "PNG", transparency=corner)).pixels.getextrema() == ((255, 255),) * 3


UPRIGHT_TO_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
@pytest.mark.parametrize("orientation", UPRIGHT_TO_STORED)
def test_orientation_is_applied(orientation: int, file_format: str) -> None:
    turn = UPRIGHT_TO_STORED[orientation]
    stored = picture() if turn is None else picture().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    clean = taken(encoded(stored, file_format, exif=exif.tobytes(), quality=95))
    assert difference(clean.pixels, picture()) < 6


def test_orientation_of_a_compressed_tiff_is_applied() -> None:
    stored = picture().transpose(Image.Transpose.ROTATE_90)
    clean = taken(encoded(stored, "TIFF", compression="tiff_lzw", tiffinfo={0x0112: 6}))
    assert difference(clean.pixels, picture()) == 0


@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_damaged_exif_block_costs_no_image(block: bytes) -> None:
    assert difference(taken(encoded(picture(), "JPEG", quality=95, exif=block)).pixels, picture()) < 6


def test_an_orientation_that_does_not_exist_is_passed_over() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert taken(encoded(picture(), "PNG", exif=exif.tobytes())).width == WIDTH


def red_and_green_swapped() -> bytes:
    """An sRGB profile whose red primary is green and the other way round."""
    return SRGB.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_a_colour_profile_is_applied_before_it_is_dropped(file_format: str) -> None:
    red = Image.new("RGB", (64, 64), (220, 30, 30))
    data = encoded(red, file_format, icc_profile=red_and_green_swapped(), quality=95)
    r, g, b = taken(data).pixels.getpixel((32, 32))
    assert abs(r - 30) < 12 and abs(g - 220) < 12 and abs(b - 30) < 12


@pytest.mark.parametrize("profile", [b"no profile at all", SRGB[:200], SRGB[:128] + bytes(500)])
def test_a_broken_profile_is_passed_over(profile: bytes) -> None:
    assert difference(taken(encoded(picture(), "PNG", icc_profile=profile)).pixels, picture()) == 0


def test_a_profile_for_other_pixels_is_passed_over() -> None:
    assert difference(taken(encoded(grey(), "PNG", icc_profile=SRGB)).pixels, grey()) == 0


SECRET = b"SECRETNAME"


def with_everything(file_format: str) -> bytes:
    """A file that gives a person away in every place where its format can."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.0), 29: SECRET.decode()})
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    profile = SRGB.replace(b"sRGB built-in".decode().encode("utf-16-be"), (SECRET.decode() + "...").encode("utf-16-be"))
    options: dict[str, object] = {"exif": exif.tobytes(), "icc_profile": profile, "quality": 95}
    if file_format in ("JPEG", "WEBP", "HEIF", "PNG"):
        options["xmp"] = xmp
    if file_format == "JPEG":
        options["comment"] = SECRET
    data = encoded(picture(), file_format, **options)
    if file_format == "JPEG":
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0f\x1c\x02\x50\0\x0a" + SECRET + b"\0"
        thumbnail = b"JFXX\0\x10" + encoded(picture().resize((48, 32)), "JPEG", comment=SECRET)
        for marker, block in ((b"\xff\xed", iptc), (b"\xff\xe0", thumbnail)):
            data = data[:2] + marker + struct.pack(">H", len(block) + 2) + block + data[2:]
    if file_format == "PNG":
        text = png_chunk(b"tEXt", b"Author\0" + SECRET) + png_chunk(b"zTXt", b"Name\0\0" + zlib.compress(SECRET))
        data = data[:33] + text + png_chunk(b"tIME", b"\x07\xea\1\1\1\1\1") + data[33:]
    return data + b"trailing " + SECRET


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_nothing_but_pixels_is_kept(file_format: str) -> None:
    data = with_everything(file_format)
    assert data.count(SECRET) >= 4, "the file under test gives nobody away"
    clean = taken(data)
    assert clean.pixels.info == {}
    assert not clean.pixels.getexif()
    assert riff_chunks(clean.encoded) == [b"VP8L"]
    assert SECRET not in clean.encoded
    assert difference(clean.pixels, picture()) < 6


def riff_chunks(data: bytes) -> list[bytes]:
    """The names of a RIFF file's chunks; fails where it is longer or shorter than it says."""
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    assert struct.unpack("<I", data[4:8])[0] + 8 == len(data)
    names, at = [], 12
    while at < len(data):
        names.append(data[at : at + 4])
        at += 8 + (struct.unpack("<I", data[at + 4 : at + 8])[0] + 1) // 2 * 2
    return names


@pytest.mark.parametrize(
    "payload", [b"PK\x03\x04" + SECRET, b"<script>" + SECRET + b"</script>", b"%PDF-1.7 " + SECRET]
)
def test_what_hangs_on_behind_a_good_image_is_dropped(payload: bytes) -> None:
    for name, data in good_files().items():
        clean = taken(data + payload)
        assert SECRET not in clean.encoded
        assert clean.sha256 == taken(data).sha256, name


def test_equal_pixels_are_kept_as_equal_bytes() -> None:
    hashes = {taken(encoded(picture(), file_format)).sha256 for file_format in ("PNG", "BMP", "TIFF")}
    assert len(hashes) == 1
    assert taken(encoded(picture().rotate(180), "PNG")).sha256 not in hashes


def test_the_kept_file_holds_the_very_pixels() -> None:
    clean = taken(good_files()["JPEG"])
    assert clean.media_type == "image/webp"
    assert np.array_equal(np.asarray(decode(clean.encoded)), np.asarray(clean.pixels))
    with pytest.raises(UnreadableImage, match="damaged"):
        decode(clean.encoded[:-40])


def test_a_copy_to_show_is_small_and_never_enlarged() -> None:
    with Image.open(io.BytesIO(display_copy(picture(), max_side=48))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (48, 32))
    with Image.open(io.BytesIO(display_copy(picture(), max_side=4000))) as shown:
        assert shown.size == (WIDTH, HEIGHT)


def test_limits_hold_to_the_byte_and_to_the_pixel() -> None:
    data = good_files()["PNG"]
    exact = IntakeLimits(max_bytes=len(data), max_pixels=WIDTH * HEIGHT, min_side=HEIGHT)
    assert take_in(data, limits=exact).width == WIDTH
    for narrower, word in (
        (IntakeLimits(max_bytes=len(data) - 1), "MB"),
        (IntakeLimits(max_pixels=WIDTH * HEIGHT - 1), "megapixels"),
        (IntakeLimits(min_side=HEIGHT + 1), "too small"),
    ):
        with pytest.raises(UnreadableImage, match=word):
            take_in(data, limits=narrower)


def test_a_side_that_cannot_be_kept_is_refused() -> None:
    assert taken(encoded(Image.new("RGB", (MAX_SIDE, 32)), "PNG")).encoded
    with pytest.raises(UnreadableImage, match="no side may be longer"):
        taken(encoded(Image.new("RGB", (MAX_SIDE + 1, 32)), "PNG"))


def test_a_heic_that_understates_its_size_is_judged_by_what_it_holds() -> None:
    data = good_files()["HEIC"]
    small = overwritten(data, data.index(b"ispe") + 8, struct.pack(">II", 64, 64))
    with pytest.raises(UnreadableImage):
        take_in(small, limits=IntakeLimits(max_pixels=64 * 64))
