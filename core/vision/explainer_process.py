"""The process behind core.vision.explainer: python -m core.vision.explainer_process DESCRIPTOR MODEL IDLE_SECONDS."""

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from core.errors import Unavailable
from core.vision.explain import explain
from core.vision.explainer import Question, Report
from core.vision.torch_model import TorchModel, load_torch_model

CHANGED = "The model was replaced since the server started. Please have the server started anew."


class Dropped(Exception):
    """Nobody waits for this answer any more."""


def main(connection: Connection, path: Path, idle_seconds: float) -> None:
    """Answer questions until nobody has asked for so long, or the server is gone."""
    model: TorchModel | None = None
    while connection.poll(idle_seconds):
        question: Question | None = connection.recv()
        if question is None:
            continue
        try:
            model = model or _load(path)
            connection.send(_answer(connection, model, question))
        except Unavailable as error:
            connection.send(Report(question.number, failure=str(error)))
        except Dropped:
            continue


def _load(path: Path) -> TorchModel:
    # All that an explanation needs, so that none of them is timed with an import.
    import captum.attr  # noqa: F401, PLC0415
    import pytorch_grad_cam  # noqa: F401, PLC0415
    import skimage.segmentation  # noqa: F401, PLC0415
    import torch  # noqa: PLC0415

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    return load_torch_model(path)


def _answer(connection: Connection, model: TorchModel, question: Question) -> Report:
    if model.model_file.version != question.model_version:
        raise Unavailable(CHANGED)

    def progress(share: float) -> None:
        if connection.poll():
            raise Dropped
        connection.send(Report(question.number, share))

    start = perf_counter()
    heat_map = explain(model, question.image, method=question.method, class_name=question.class_name, progress=progress)
    return Report(question.number, heat_map=heat_map, seconds=perf_counter() - start)


if __name__ == "__main__":
    os.nice(5)
    # grad-cam draws bars of its own on the terminal.
    os.environ["TQDM_DISABLE"] = "1"
    try:
        main(Connection(int(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3]))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # The server has ended.
        sys.exit()
