"""The JSON beside a model's weights: everything that is needed to read with them, and where it came from.

`training` writes it and the reader reads it; no class list, size or constant of a model is written anywhere else.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core import taxonomy

SHIPPED = Path(__file__).parent / "model" / "dermtrail.json"
"""The model in the repository."""


class ModelFile(BaseModel):
    """What a model file says of its model.

    Attributes:
        version: unique to these weights; stored with every reading.
        architecture: timm's name of the network.
        classes: names of `core.taxonomy`, in the order of the network's outputs.
        input_size: side in pixels of the square that an image is resized to.
        mean, std: per channel (red, green, blue), of pixel values scaled to 0..1.
        temperature: the logits are divided by it before the softmax (Guo et al. 2017, arXiv:1706.04599).
        malignant_threshold: an image is flagged where the probabilities of the malignant and the indeterminate classes
            sum to this or more; chosen on the validation split.
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
