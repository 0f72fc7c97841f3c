"""Measure a model file as the clinic runs it: ONNX Runtime, and the one preparation of `core.vision.preprocess`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from core.vision.model_file import ModelFile
from core.vision.preprocess import to_input
from training.data import CLASSES, Row
from training.metrics import score


def read_logits(
    model: ModelFile, *, folder: Path, rows: Sequence[Row], batch_size: int = 32
) -> npt.NDArray[np.float32]:
    """Logits [N, 9] of the images of `rows`, columns in the order of `CLASSES`, by the ONNX file in `folder`."""
    session = onnxruntime.InferenceSession(folder / model.onnx, providers=["CPUExecutionProvider"])
    logits = []
    for start in range(0, len(rows), batch_size):
        inputs = []
        for row in rows[start : start + batch_size]:
            with Image.open(row.path) as image:
                inputs.append(to_input(image.convert("RGB"), size=model.input_size, mean=model.mean, std=model.std))
        logits.append(session.run(["logits"], {"x": np.stack(inputs)})[0])
    columns = [model.classes.index(name) for name in CLASSES]
    gathered: npt.NDArray[np.float32] = np.concatenate(logits)[:, columns]
    return gathered


def evaluate(model_path: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of `training.metrics.score` for the model file at `model_path` on `rows`."""
    model = ModelFile.load(model_path)
    logits = read_logits(model, folder=model_path.parent, rows=rows)
    return score(logits, rows, temperature=model.temperature, threshold=model.malignant_threshold)
