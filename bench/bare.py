"""What everything is compared with: ONNX Runtime alone, by its own defaults, on an input that is ready."""

from collections.abc import Callable

import numpy as np
import onnxruntime

from core.vision.model_file import SHIPPED, ModelFile


def bare_pass() -> Callable[[], object]:
    """One pass of the shipped model over one image, to logits and nine maps."""
    model = ModelFile.load(SHIPPED)
    session = onnxruntime.InferenceSession(SHIPPED.parent / model.onnx)
    x = np.zeros((1, 3, model.input_size, model.input_size), np.float32)
    return lambda: session.run(["logits", "maps"], {"x": x})
