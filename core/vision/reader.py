"""The one function that reads an image; the dashboard, the public page and the command line all call it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from core import taxonomy
from core.errors import Unavailable
from core.vision import heat_map, preprocess
from core.vision.certainty import Certainty
from core.vision.heat_map import HeatMap
from core.vision.model_file import ModelFile


@dataclass(frozen=True)
class Reading:
    """What a model said of one image: support for a clinician, never a diagnosis.

    Attributes:
        probabilities: of each class by name, calibrated; they sum to 1, in the order of the network's outputs.
        malignant_probability: sum over the malignant and the indeterminate classes.
        flagged: whether that reaches the model's threshold.
        activations: the network's class activation maps, (classes, rows, columns), in the order of `probabilities`.
        model_version: which model read.
        certainty: whether all of this may be believed; where it is unreadable, none of it may.
        concern: why the reading is not certain, as a sentence; None where it is.
        prediction_set: the classes that it may be; empty where the model brings no such set.
    """

    probabilities: dict[str, float]
    malignant_probability: float
    flagged: bool
    activations: npt.NDArray[np.float32]
    model_version: str
    certainty: Certainty = Certainty.CERTAIN
    concern: str | None = None
    prediction_set: tuple[str, ...] = ()

    @property
    def prediction(self) -> str:
        """The class with the highest probability."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def group(self) -> taxonomy.Group:
        """The group of the leading class."""
        return taxonomy.term(self.prediction).group

    def heat_map(self, class_name: str | None = None) -> HeatMap:
        """Grad-CAM's map for a class (the leading one by default). Raises ValueError for a name it does not know."""
        index = list(self.probabilities).index(class_name or self.prediction)
        return heat_map.from_activation(self.activations[index])


class Reader:
    """A model, ready to read. One reader may be shared by threads."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Load the model whose JSON lies at `path`. Raises Unavailable where it cannot be loaded."""
        try:
            self.model_file = ModelFile.load(path)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            self._session = onnxruntime.InferenceSession(path.parent / self.model_file.onnx, options)
        # ONNX Runtime's own errors share no base class below RuntimeError and Exception.
        except Exception as error:
            raise Unavailable("The model could not be loaded.") from error

    @property
    def model_version(self) -> str:
        """The version that its readings carry."""
        return self.model_file.version

    def read(self, image: Image.Image) -> Reading:
        """Read one image (PIL, RGB, any size)."""
        model = self.model_file
        pixels = preprocess.to_input(image, size=model.input_size, mean=model.mean, std=model.std)
        logits, maps = self._session.run(["logits", "maps"], {"x": pixels[None]})
        probabilities = dict(zip(model.classes, softmax(logits[0] / model.temperature).tolist(), strict=True))
        malignant = sum(p for name, p in probabilities.items() if taxonomy.needs_attention(name))
        return Reading(
            probabilities=probabilities,
            malignant_probability=malignant,
            flagged=malignant >= model.malignant_threshold,
            activations=np.asarray(maps[0], dtype=np.float32),
            model_version=model.version,
        )


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Probabilities of (classes,) logits; they sum to 1."""
    exponents = np.exp(logits.astype(np.float64) - logits.max())
    total: npt.NDArray[np.float64] = exponents / exponents.sum()
    return total
