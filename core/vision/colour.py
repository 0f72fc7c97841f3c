"""Whatever the kind of pixels, to 8-bit sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

_DEEP = ("I", "F")
_FULL_SCALES = (1.0, 255.0, 65_535.0, 2.0**32 - 1)


def to_srgb(image: Image.Image) -> Image.Image:
    """A new image in mode RGB, of the same size and the same looks.

    An embedded colour profile is applied, since it is dropped afterwards and the colours must not change with it; one
    that is broken, or made for another kind of pixels, is passed over, as browsers do. Transparent parts turn white,
    the colour of the page that they would be seen on: black would look like the dark corners and the dark pigment
    that a model takes as a sign of disease.
    """
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode.startswith(_DEEP):
        image = _to_eight_bits(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    rgb = _through_profile(image, profile)
    if alpha is None:
        return rgb
    page = Image.new("RGB", rgb.size, "white")
    page.paste(rgb, mask=alpha)
    return page


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    source = None
    if image.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    elif profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        except OSError:
            source = None
    if source is None:
        return image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            image,
            source,
            srgb,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return image.convert("RGB")
    return converted if converted is not None else image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of floating point, to 8 bits.

    16 bits keep their high byte, as Pillow does for 48-bit colour. Files of 32 bits and of floating point do not say
    what their white is, so it is taken to be the smallest of 1, 255, 65535 and 2^32 - 1 that no pixel exceeds.
    """
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    numbers = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(numbers.max(initial=0.0))
    white = next((scale for scale in _FULL_SCALES if top <= scale), top)
    return Image.fromarray(np.clip(numbers * (255 / white) + 0.5, 0, 255).astype(np.uint8))
