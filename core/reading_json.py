"""A file read on the command line, and a reading as JSON."""

import os
from pathlib import Path
from typing import Any

from PIL import Image

from core.errors import UnreadableImage
from core.vision.intake import IntakeLimits, take_in
from core.vision.reader import Reader, Reading


def read_file(reader: Reader, limits: IntakeLimits, file: Path) -> tuple[Image.Image, Reading]:
    """The clean pixels of a file and their reading. Raises UnreadableImage, OSError."""
    if file.stat().st_size > limits.max_bytes:
        raise UnreadableImage("The file is larger than the limit.")
    image = take_in(file.read_bytes(), limits=limits).pixels
    return image, reader.read(image)


def reading_fields(reading: Reading) -> dict[str, Any]:
    """A reading as it is written in JSON."""
    return {
        "prediction": reading.prediction,
        "group": reading.group,
        "probabilities": reading.probabilities,
        "malignant_probability": reading.malignant_probability,
        "flagged": reading.flagged,
        "certainty": reading.certainty,
        "concern": reading.concern,
        "prediction_set": reading.prediction_set,
        "model_version": reading.model_version,
    }


def shown_name(file: Path) -> str:
    """A file's name for people; one in no known encoding has a mark in place of what cannot be shown."""
    return os.fsencode(file).decode(errors="replace")


def error_sentence(error: UnreadableImage | OSError) -> str:
    """Why a file was not read."""
    if isinstance(error, OSError):
        return error.strerror or "The file cannot be read."
    return str(error)
