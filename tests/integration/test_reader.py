"""The shipped model reads: the nine in order, always the same, shared by threads, and refused where it cannot be."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PIL import Image

from core import taxonomy
from core.demo.lesion_images import LOOKS, draw_lesion
from core.errors import Unavailable
from core.vision import model_file
from core.vision.certainty import Certainty
from core.vision.reader import NO_LESION, Reader


def test_a_reading(reader: Reader) -> None:
    reading = reader.read(draw_lesion(seed=2, size=300))
    assert list(reading.probabilities) == list(reader.model_file.classes)
    assert set(reading.probabilities) == {term.name for term in taxonomy.TERMS}
    assert sum(reading.probabilities.values()) == pytest.approx(1)
    assert all(0 <= probability <= 1 for probability in reading.probabilities.values())
    assert reading.prediction == max(reading.probabilities, key=reading.probabilities.__getitem__)
    assert reading.group is taxonomy.term(reading.prediction).group
    attention = sum(p for name, p in reading.probabilities.items() if taxonomy.needs_attention(name))
    assert reading.malignant_probability == pytest.approx(attention)
    assert reading.flagged == (attention >= reader.model_file.malignant_threshold)
    assert reading.model_version == reader.model_version == reader.model_file.version


def test_the_heat_map_of_each_class(reader: Reader) -> None:
    reading = reader.read(draw_lesion(seed=2, size=300))
    assert reading.activations.shape[0] == 9 and reading.activations.dtype == np.float32
    for name in reading.probabilities:
        heat = reading.heat_map(name)
        assert heat.shape == reading.activations.shape[1:]
        assert heat.min() >= 0 and heat.max() in (0, 1)
    np.testing.assert_array_equal(reading.heat_map(), reading.heat_map(reading.prediction))
    with pytest.raises(ValueError, match="freckle"):
        reading.heat_map("freckle")


@pytest.mark.parametrize("size", [(32, 32), (33, 400), (400, 33), (1200, 900)])
def test_any_size_is_read(reader: Reader, size: tuple[int, int]) -> None:
    image = draw_lesion(seed=2, size=256).resize(size)
    assert sum(reader.read(image).probabilities.values()) == pytest.approx(1)


def test_the_same_image_is_read_the_same_by_many_at_once(reader: Reader) -> None:
    image = draw_lesion(seed=3, size=256)
    alone = reader.read(image)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: reader.read(image), range(16)))
    for reading in together:
        assert reading.probabilities == pytest.approx(alone.probabilities, abs=1e-6)


def test_an_image_is_read_within_a_second(reader: Reader) -> None:
    image = draw_lesion(seed=3, size=1000)
    reader.read(image)
    start = perf_counter()
    reader.read(image)
    assert perf_counter() - start < 1


def copy_of_the_model(folder: Path) -> Path:
    for file in model_file.SHIPPED.parent.iterdir():
        if file.suffix in (".json", ".onnx"):
            shutil.copy(file, folder)
    return folder / model_file.SHIPPED.name


@pytest.mark.parametrize(
    "damage", ["no json", "no weights", "half the weights", "classes", "a key more", "no json at all"]
)
def test_a_model_that_cannot_be_read_with_is_unavailable(reader: Reader, tmp_path: Path, damage: str) -> None:
    path = copy_of_the_model(tmp_path)
    assert Reader(path).model_version == reader.model_version
    weights = path.parent / reader.model_file.onnx
    described = json.loads(path.read_text())
    match damage:
        case "no json":
            path.unlink()
        case "no weights":
            weights.unlink()
        case "half the weights":
            weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        case "classes":
            path.write_text(json.dumps(described | {"classes": ["freckle", *described["classes"][1:]]}))
        case "a key more":
            path.write_text(json.dumps(described | {"thresold": 0.5}))
        case "no json at all":
            path.write_text("{")
    with pytest.raises(Unavailable, match="The model could not be loaded"):
        Reader(path)


def test_the_order_of_the_classes_is_the_models_own(tmp_path: Path) -> None:
    """A model file that names its outputs in another order is believed: no order is written anywhere else."""
    path = copy_of_the_model(tmp_path)
    described = json.loads(path.read_text())
    # What lifts a class goes by its name, and would go with it to another output.
    described |= {"class_offsets": dict.fromkeys(described["classes"], 0.0), "attention_offset": 0.0}
    path.write_text(json.dumps(described))
    image = Image.new("RGB", (64, 64), (190, 140, 120))
    usual = Reader(path).read(image).probabilities
    path.write_text(json.dumps(described | {"classes": described["classes"][::-1]}))
    turned = Reader(path).read(image).probabilities
    assert list(turned.values()) == pytest.approx(list(usual.values()), abs=1e-6)
    assert list(turned) == list(usual)[::-1]


def test_the_sure_is_in_the_prediction_set_and_the_ruled_out_is_not(reader: Reader) -> None:
    bounds = reader.model_file.conformal_bounds
    for seed, kind in enumerate(LOOKS):
        reading = reader.read(draw_lesion(seed=seed, size=300, kind=kind))
        assert reading.prediction_set[0] == reading.prediction
        expected = {name for name, p in reading.probabilities.items() if p >= bounds[name]} | {reading.prediction}
        assert set(reading.prediction_set) == expected


def test_only_a_certain_reading_raises_no_concern(reader: Reader) -> None:
    pictures = [draw_lesion(seed=seed, size=300, kind=kind) for seed, kind in enumerate(LOOKS)]
    for picture in [*pictures, Image.new("RGB", (300, 300), "white")]:
        reading = reader.read(picture)
        assert (reading.certainty is Certainty.CERTAIN) == (reading.concern is None)


def test_features_of_a_lesion_are_nearer_to_its_own_than_to_another(reader: Reader) -> None:
    first, again = (draw_lesion(seed=1, size=300, kind="nevus", visit=visit) for visit in (0, 1))
    features = [reader.read(image).features for image in (first, again, draw_lesion(seed=2, size=300, kind="melanoma"))]
    assert features[0].shape == (1280,)
    unit = [one / np.linalg.norm(one) for one in features]
    assert unit[0] @ unit[1] > unit[0] @ unit[2]


def test_a_picture_that_shows_no_lesion_is_refused_with_a_reason(reader: Reader) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8))
    black = Image.new("RGB", (200, 200))
    for picture, reason in ((noise, NO_LESION), (black, "This picture is too dark to be read.")):
        reading = reader.read(picture)
        assert (reading.certainty, reading.concern) == (Certainty.UNREADABLE, reason)
