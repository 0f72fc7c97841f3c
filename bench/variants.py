"""Images a second in batches, and whether int8 or OpenVINO would pay."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from bench.pictures import lesions
from bench.timing import Figure, by_turns
from core.vision.model_file import SHIPPED, ModelFile
from core.vision.preprocess import Tensor, to_input

BATCHES = (1, 8, 32)
COMPARED = 96
CALIBRATED_ON = 32

Pass = Callable[[Tensor], Tensor]
"""From float [B, 3, S, S] to logits [B, 9]."""


class _Pictures(CalibrationDataReader):
    """What the static quantisation looks at to choose its ranges."""

    def __init__(self, pictures: Tensor) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, Tensor] | None:
        """The next picture, in a batch of its own."""
        picture = next(self._left, None)
        return None if picture is None else {"x": picture[None]}


def measure(rounds: int = 9) -> Iterator[Figure]:
    """Images a second of what ships; then each variant's speed in batches of one, and how far it agrees."""
    model = ModelFile.load(SHIPPED)
    source, images = lesions(COMPARED + CALIBRATED_ON)
    x = np.stack([to_input(image, size=model.input_size, mean=model.mean, std=model.std) for image in images])
    shipped = _session(SHIPPED.parent / model.onnx)
    for batch in BATCHES:
        part = x[:batch]
        seconds = by_turns({"pass": lambda part=part: shipped(part)}, rounds=rounds)["pass"]
        yield Figure(f"images a second in batches of {batch}", batch / seconds, "/s")
    with tempfile.TemporaryDirectory() as folder:
        variants = {**_int8(SHIPPED.parent / model.onnx, Path(folder), x[COMPARED:]), **_openvino(model)}
        yield from _compare(shipped, variants, x[:COMPARED], source, rounds=rounds)


def _compare(shipped: Pass, variants: dict[str, Pass], x: Tensor, source: str, *, rounds: int) -> Iterator[Figure]:
    expected = np.concatenate([shipped(one[None]) for one in x])
    one = x[:1]
    seconds = by_turns(
        {name: lambda run=run: run(one) for name, run in {"shipped": shipped, **variants}.items()}, rounds=5 * rounds
    )
    for name, run in variants.items():
        found = np.concatenate([run(one[None]) for one in x])
        agree = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
        yield Figure(f"{name}: times as fast as what ships", seconds["shipped"] / seconds[name], "x")
        yield Figure(f"{name}: same leading class, {len(x)} {source}", 100 * float(agree), "%")


def _int8(onnx: Path, folder: Path, pictures: Tensor) -> dict[str, Pass]:
    prepared, static, dynamic = (folder / f"{name}.onnx" for name in ("prepared", "static", "dynamic"))
    quant_pre_process(onnx, prepared, skip_symbolic_shape=True)
    quantize_static(prepared, static, _Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True)
    quantize_dynamic(prepared, dynamic)
    return {"int8, static": _session(static), "int8, dynamic": _session(dynamic)}


def _openvino(model: ModelFile) -> dict[str, Pass]:
    try:
        import openvino  # noqa: PLC0415 - not among the requirements
    except ImportError:
        print("OpenVINO is not installed: left out.")
        return {}
    compiled = openvino.Core().compile_model(
        str(SHIPPED.parent / model.onnx), "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    )
    return {"OpenVINO": lambda x: compiled({"x": x})["logits"]}


def _session(path: Path) -> Pass:
    session = onnxruntime.InferenceSession(path)
    return lambda x: session.run(["logits"], {"x": x})[0]
