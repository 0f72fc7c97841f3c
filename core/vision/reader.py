"""The one function that reads an image; the dashboard, the public page and the command line all call it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from core import taxonomy
from core.errors import Unavailable
from core.vision import calibration, heat_map, preprocess, quality
from core.vision.certainty import Certainty
from core.vision.heat_map import HeatMap
from core.vision.model_file import ModelFile
from core.vision.preprocess import Pixels

NO_LESION = "This does not look like a picture of a skin lesion."
UNLIKE = "This picture is unlike those that the model learned from."
UNCLEAR = "No class stands out."
"""Why a reading is refused, or uncertain; `QualityLimits.concern` has the other reasons."""

OUTPUTS = ["logits", "maps", "features", "strangeness"]
"""Of the ONNX file, as `training.network.OnePass` describes them."""


@dataclass(frozen=True)
class Reading:
    """What a model said of one image: support for a clinician, never a diagnosis.

    Attributes:
        probabilities: of each class by name, calibrated; they sum to 1, in the order of the network's outputs.
        malignant_probability: sum over the malignant and the indeterminate classes.
        flagged: whether that reaches the model's threshold.
        activations: the network's class activation maps, (classes, rows, columns), in the order of `probabilities`.
        certainty: whether all of this may be believed; where it is unreadable, none of it may.
        concern: why the reading is not certain, as a sentence; None where it is.
        prediction_set: the classes that it may be, which hold the true one in 90 % of images like those measured on;
            the leading class comes first, and where the image is flagged the likeliest class that needs attention is
            among them.
        features: what the network made of the image before naming it, (1280,); like images have like features.
        model_version: which model read.
    """

    probabilities: dict[str, float]
    malignant_probability: float
    flagged: bool
    activations: npt.NDArray[np.float32]
    certainty: Certainty
    concern: str | None
    prediction_set: tuple[str, ...]
    features: npt.NDArray[np.float32]
    model_version: str

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
        square = preprocess.to_square(image, size=model.input_size)
        x = preprocess.normalise(square, mean=model.mean, std=model.std)[None]
        logits, maps, features, strangeness = self._session.run(OUTPUTS, {"x": x})
        probabilities = dict(zip(model.classes, calibration.probabilities(logits, model)[0].tolist(), strict=True))
        malignant = sum(p for name, p in probabilities.items() if taxonomy.needs_attention(name))
        flagged = malignant >= model.malignant_threshold
        certainty, concern = self._judge(square, float(strangeness[0]), max(probabilities.values()))
        return Reading(
            probabilities=probabilities,
            malignant_probability=malignant,
            flagged=flagged,
            activations=np.asarray(maps[0], dtype=np.float32),
            certainty=certainty,
            concern=concern,
            prediction_set=self._prediction_set(probabilities, flagged=flagged),
            features=np.asarray(features[0], dtype=np.float32),
            model_version=model.version,
        )

    def _judge(self, square: Pixels, strangeness: float, confidence: float) -> tuple[Certainty, str | None]:
        limits = self.model_file.certainty
        if spoilt := limits.quality.concern(quality.measure(square)):
            return Certainty.UNREADABLE, spoilt
        if strangeness >= limits.refused_from:
            return Certainty.UNREADABLE, NO_LESION
        if strangeness >= limits.strange_from:
            return Certainty.UNCERTAIN, UNLIKE
        if confidence < limits.unclear_below:
            return Certainty.UNCERTAIN, UNCLEAR
        return Certainty.CERTAIN, None

    def _prediction_set(self, probabilities: dict[str, float], *, flagged: bool) -> tuple[str, ...]:
        bounds = self.model_file.conformal_bounds
        leading, *others = sorted(probabilities, key=lambda name: -probabilities[name])
        suspected = next(name for name in (leading, *others) if taxonomy.needs_attention(name))
        kept = {name for name in others if probabilities[name] >= bounds[name]}
        return (leading, *(name for name in others if name in kept or (flagged and name == suspected)))
