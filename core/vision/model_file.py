"""The JSON beside a model's weights: everything that is needed to read with them, and where it came from.

`training` writes it and the reader reads it; no class list, size or constant of a model is written anywhere else.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core import taxonomy
from core.vision.quality import QualityLimits

SHIPPED = Path(__file__).parent / "model" / "dermtrail.json"
"""The model in the repository."""


class CertaintyLimits(BaseModel):
    """What makes a reading uncertain, or refuses it; chosen on the validation split.

    Attributes:
        quality: which pictures are too dark, bright, flat or blurred for a reading.
        strange_from, refused_from: from such a strangeness on (`training.network.OnePass`) a picture is unlike those
            the model learned from, and from the second on it is no picture of a lesion.
        unclear_below: a reading whose highest probability is below this is uncertain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quality: QualityLimits
    strange_from: float
    refused_from: float
    unclear_below: float = Field(ge=0, le=1)


class ModelFile(BaseModel):
    """What a model file says of its model.

    Attributes:
        version: unique to these weights; stored with every reading.
        architecture: timm's name of the network.
        classes: names of `core.taxonomy`, in the order of the network's outputs.
        input_size: side in pixels of the square that an image is resized to.
        mean, std: per channel (red, green, blue), of pixel values scaled to 0..1.
        temperature: the balanced logits are divided by it before the softmax (Guo et al. 2017, arXiv:1706.04599).
        malignant_threshold: an image is flagged where the probabilities of the malignant and the indeterminate classes
            sum to this or more; chosen on the validation split.
        class_offsets, attention_offset: what lifts rare classes (`core.vision.calibration.balance`); chosen on the
            validation split.
        conformal_bounds: a class is in an image's prediction set from this probability on; per class, so that the set
            holds the true class of 90 % of new images of it (split conformal prediction, arXiv:2107.07511).
        certainty: what makes a reading uncertain or refuses it.
        initial_weights: what training started from: "random", "imagenet" or a file's name.
        trained_on: per source, how many images and lesions and under which licence.
        scores: figures by split, as `training` measured them.
        onnx, weights: names of the files beside this JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    architecture: str
    classes: tuple[str, ...]
    input_size: int = Field(gt=0)
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    temperature: float = Field(gt=0)
    malignant_threshold: float = Field(ge=0, le=1)
    class_offsets: dict[str, float]
    attention_offset: float
    conformal_bounds: dict[str, float]
    certainty: CertaintyLimits
    initial_weights: str
    trained_on: dict[str, Any]
    scores: dict[str, Any]
    onnx: str
    weights: str

    @model_validator(mode="after")
    def _classes_are_the_taxonomy(self) -> Self:
        if sorted(self.classes) != sorted(term.name for term in taxonomy.TERMS):
            raise ValueError("the model's classes are not the nine diagnoses of core.taxonomy")
        return self

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Self:
        """Read the JSON at `path`. Raises OSError or pydantic.ValidationError."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
