"""Where a lesion ends: from a clean image to its outline, by the small network that `training.outline` made.

The outline is a polygon; the mask is that polygon, filled. Measuring is left to `core.vision.measures`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from skimage.measure import find_contours

from core.errors import Unavailable
from core.vision.preprocess import to_input

SHIPPED = Path(__file__).parent / "model" / "outline.json"
"""The network in the repository."""

Mask: TypeAlias = npt.NDArray[np.bool_]
"""(height, width), true inside the lesion."""

Polygon: TypeAlias = tuple[tuple[float, float], ...]
"""Corners (x, y) in pixels in order, the last joined to the first; (0, 0) is the image's upper left corner, so that the
centre of the first pixel is (0.5, 0.5). Empty where there is no lesion."""

WORKING_SIDE = 512
"""The network's coarse map is traced at this longest side in pixels: finer would be no truer."""

SMALLEST = 0.002
"""Share of the image under which what was found is a speck and no lesion."""

LEAVING = 0.03
"""Share of the outline along the image's edge from which on the lesion is said to leave the frame."""

SURE = 0.8
"""Confidence under which the outline is said to be unsure."""


class Remark(StrEnum):
    """What has to be said of an outline before anybody measures by it."""

    NO_LESION = "No lesion was found in the image."
    UNSURE = "The outline is unsure: please look at it and correct it."
    LEAVES_FRAME = "The lesion leaves the frame: size and shape are those of the part that is seen."


class OutlineFile(BaseModel):
    """What the JSON beside the network says of it.

    Attributes:
        version: unique to these weights; stored with every outline.
        input_size: side in pixels of the square that an image is squashed to.
        mean, std: per channel (red, green, blue), of pixel values scaled to 0..1.
        threshold: a pixel of this probability or more is lesion.
        initial_weights: what training started from: "random" or a file's name.
        trained_on: per source its images, lesions and licence; and for how many epochs.
        scores: figures by split, as `training.outline_measure` measured them.
        coverage: per quantity of `core.vision.change`, the factor from the spread of re-measuring to the uncertainty
            that covers 95 % of pairs of images without a change, as measured on the validation split.
        onnx: name of the file beside this JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    architecture: str
    input_size: int = Field(gt=0)
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    threshold: float = Field(gt=0, lt=1)
    initial_weights: str
    trained_on: dict[str, Any]
    scores: dict[str, Any]
    coverage: dict[str, float]
    onnx: str

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Self:
        """Read the JSON at `path`. Raises OSError or pydantic.ValidationError."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Outline:
    """One lesion's outline in one image, as a network saw it.

    Attributes:
        polygon: in pixels of the image; empty where no lesion was found.
        size: width and height of the image.
        confidence: the Dice, 0..1, that the outline would have if the network's probabilities were right:
            twice their sum inside it over their sum in the whole image plus its area. 0 without a lesion.
        remark: what has to be said of it, if anything.
        model_version: which network drew it.
    """

    polygon: Polygon
    size: tuple[int, int]
    confidence: float
    remark: Remark | None
    model_version: str

    @property
    def mask(self) -> Mask:
        """The polygon filled, of the image's own size."""
        return fill(self.polygon, size=self.size)


class Outliner:
    """The network, ready to outline. One may be shared by threads."""

    def __init__(self, path: Path = SHIPPED, *, threads: int = 0) -> None:
        """Load the network whose JSON lies at `path`. Raises Unavailable where it cannot be loaded."""
        try:
            self.file = OutlineFile.load(path)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            self._session = onnxruntime.InferenceSession(path.parent / self.file.onnx, options)
        # ONNX Runtime's own errors share no base class below RuntimeError and Exception.
        except Exception as error:
            raise Unavailable("The network that outlines lesions could not be loaded.") from error

    def outline(self, image: Image.Image, *, threshold: float | None = None) -> Outline:
        """Outline the lesion in one image (RGB, any size).

        Another `threshold` than the file's draws it wider (lower) or closer (higher).
        """
        return self.outlines([image], threshold=threshold)[0]

    def outlines(self, images: Sequence[Image.Image], *, threshold: float | None = None) -> list[Outline]:
        """The same for several images, in one pass of the network."""
        file = self.file
        batch = np.stack([to_input(image, size=file.input_size, mean=file.mean, std=file.std) for image in images])
        (probabilities,) = self._session.run(["probability"], {"x": batch})
        return [
            self._traced(probability[0], image.size, threshold or file.threshold)
            for probability, image in zip(probabilities, images, strict=True)
        ]

    def _traced(self, probability: npt.NDArray[np.float32], size: tuple[int, int], threshold: float) -> Outline:
        polygon, along_edge = trace(probability, size=size, threshold=threshold)
        if not polygon:
            return Outline((), size, 0.0, Remark.NO_LESION, self.file.version)
        scale = np.array(probability.shape[::-1]) / size
        inside = fill([(x * scale[0], y * scale[1]) for x, y in polygon], size=probability.shape[::-1])
        # Where the network is certain of skin, thousands of small numbers would add up to a lesion.
        believed = np.where(probability < 0.05, 0, probability)
        confidence = float(2 * believed[inside].sum() / (believed.sum() + inside.sum()))
        remark = Remark.LEAVES_FRAME if along_edge > LEAVING else Remark.UNSURE if confidence < SURE else None
        return Outline(polygon, size, confidence, remark, self.file.version)


def trace(probability: npt.NDArray[np.float32], *, size: tuple[int, int], threshold: float) -> tuple[Polygon, float]:
    """The biggest connected area of at least `threshold`, holes filled, as a polygon in an image of `size`.

    `probability` (rows, columns) covers the whole image. It is made finer and smoothed over half a percent of the
    longest side before it is cut, which keeps the border from showing its cells. Beside the polygon, which is empty
    where there is none or no more than a speck: which share of it (0..1) runs along the image's edge.
    """
    scale = WORKING_SIDE / max(size)
    width, height = (max(2, round(side * scale)) for side in size)
    fine = cv2.resize(probability, (width, height), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(fine, (0, 0), WORKING_SIDE * 0.005)
    # A border of nothing closes an outline that runs into the edge.
    contours = find_contours(np.pad(fine, 1), threshold)  # type: ignore[no-untyped-call]
    if not contours:
        return (), 0.0
    contour = max(contours, key=lambda points: abs(_signed_area(points)))
    if abs(_signed_area(contour)) < SMALLEST * width * height:
        return (), 0.0
    points = (contour[:, ::-1] - 0.5).clip(0, (width, height)).astype(np.float32)
    at_edge = ((points < 1.5) | (points > np.array([width, height]) - 1.5)).any(axis=1)
    few = cv2.approxPolyDP(points[:-1, None], 0.6, closed=True)[:, 0]
    factor = np.array(size) / (width, height)
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in few * factor), float(at_edge.mean())


def fill(polygon: Sequence[tuple[float, float]], *, size: tuple[int, int]) -> Mask:
    """The pixels whose centre lies inside `polygon`, bool (height, width) for a `size` of (width, height)."""
    width, height = size
    # Each edge toggles, in every row whose centre line it crosses, all that lies to its right.
    toggles = np.zeros((height, width + 1), dtype=np.uint8)
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, last = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in sorted((y0, y1)))
        rows = np.arange(first, last)
        if len(rows):
            crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            toggles[rows, np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)] ^= 1
    return np.bitwise_xor.accumulate(toggles, axis=1)[:, :-1].astype(np.bool_)


def _signed_area(points: npt.NDArray[np.float64]) -> float:
    """Of a closed line of (N, 2) points, by the shoelace formula."""
    x, y = points[:, 0], points[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
