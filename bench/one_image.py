"""One image, from the bytes of a file to probabilities and nine heat maps: ours, the usual way, and the bare pass."""

import io
from collections.abc import Iterator

import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from bench.bare import bare_pass
from bench.pictures import SIZES, lesion_jpeg
from bench.timing import Figure, at_least, at_most, by_turns
from core.vision.intake import IntakeLimits, take_in
from core.vision.model_file import SHIPPED
from core.vision.preprocess import Tensor, to_input
from core.vision.reader import Reader, Reading
from core.vision.torch_model import TorchModel, load_torch_model

FASTER_THAN_USUAL = 10.0
OVER_BARE_PASS = 1.3
PUBLISHED = SIZES["600 x 450"]


def ours(reader: Reader, data: bytes) -> Reading:
    """As the clinic does it, but for what is kept on the disk; every heat map is drawn."""
    reading = reader.read(take_in(data, limits=IntakeLimits()).pixels)
    for name in reading.probabilities:
        reading.heat_map(name)
    return reading


def usual(model: TorchModel, data: bytes, *, classes: int) -> list[Tensor]:
    """As it is mostly done: torch, and the grad-cam package for each class in turn."""
    file = model.model_file
    with Image.open(io.BytesIO(data)) as image:
        pixels = to_input(image.convert("RGB"), size=file.input_size, mean=file.mean, std=file.std)
    x = torch.from_numpy(pixels)[None]
    with torch.no_grad():
        torch.softmax(model.network(x) / file.temperature, dim=1)
    with GradCAM(model.network, [model.last_layer]) as cam:
        return [cam(x, [ClassifierOutputTarget(index)])[0] for index in range(classes)]


def measure(rounds: int = 15) -> Iterator[Figure]:
    """The ratios, for each size of file; the usual way at the size of HAM10000 alone."""
    reader, model = Reader(SHIPPED), load_torch_model()
    count = len(model.model_file.classes)
    bare, data = bare_pass(), lesion_jpeg(PUBLISHED)
    seconds = by_turns(
        {
            "ours": lambda: ours(reader, data),
            "nine": lambda: usual(model, data, classes=count),
            "one": lambda: usual(model, data, classes=1),
        },
        rounds=rounds,
    )
    name = "faster than torch and grad-cam"
    yield at_least(f"{name}, nine classes", seconds["nine"] / seconds["ours"], "x", FASTER_THAN_USUAL)
    yield Figure(f"{name}, one class (ours: all nine)", seconds["one"] / seconds["ours"], "x")
    for words, size in SIZES.items():
        file = lesion_jpeg(size)
        seconds = by_turns({"ours": lambda file=file: ours(reader, file), "bare": bare}, rounds=3 * rounds)
        ratio, name = seconds["ours"] / seconds["bare"], f"bytes to reading over the bare pass, {words}"
        yield at_most(name, ratio, "x", OVER_BARE_PASS) if size != SIZES["4000 x 3000"] else Figure(name, ratio, "x")
        yield Figure(f"bytes to reading, {words}", seconds["ours"] * 1000, "ms")
    yield Figure("bare pass", seconds["bare"] * 1000, "ms")
