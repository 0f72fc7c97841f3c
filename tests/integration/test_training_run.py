"""From folders of images to a model file, on generated pictures: fit, kill, resume, export, evaluate."""

import csv
import json
import logging
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from core.vision.model_file import ModelFile
from core.vision.preprocess import to_input
from training.__main__ import app
from training.data import CLASSES, HAM10000_CODES, read_all
from training.evaluate import evaluate
from training.export import load_network
from training.fit import fit
from training.network import OnePass
from training.run import FitConfig, Progress, load_manifest

CONFIG = FitConfig("test_efficientnet", initial_weights="random", plan="32x2", batch_size=8, compile=False)
"""timm's own tiny network of the same build as EfficientNet-B0."""


def write_picture(path: Path, *, colour: int, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = generator.integers(0, 90, size=(6, 8, 3)) + np.array([colour * 17, 160 - colour * 17, 80])
    Image.fromarray(coarse.astype(np.uint8)).resize((48, 36)).save(path)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A little HAM10000 (ten images of each of its seven labels) and a little of the nine-class set."""
    generator = np.random.default_rng(0)
    ham10000, isic9 = tmp_path_factory.mktemp("ham10000"), tmp_path_factory.mktemp("isic9")
    with (ham10000 / "HAM10000_metadata.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"])
        for number in range(70):
            code = list(HAM10000_CODES)[number % 7]
            writer.writerow([f"HAM_{number}", f"ISIC_{number:07d}", code, "histo", 50, "female", "back"])
            write_picture(ham10000 / "images" / f"ISIC_{number:07d}.jpg", colour=number % 7, generator=generator)
    for number in range(10):
        path = isic9 / "Train" / "actinic keratosis" / f"ISIC_{number * 7:07d}.jpg"
        write_picture(path, colour=0, generator=generator)
    return {"ham10000": ham10000, "isic9": isic9}


def test_from_images_to_a_model_that_reads_the_same_everywhere(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch's exporter formats thousands of trace lines for whoever listens, as pytest does.
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "disabled", True)
    manifest = read_all(**sources, isic2017=None)
    cache = tmp_path / "cache"
    whole = fit(manifest, out=tmp_path / "whole", config=CONFIG, cache=cache)

    # Killed after its first epoch and gone on with, a run ends where the whole one does.
    resumed = fit(manifest, out=tmp_path / "resumed", config=CONFIG, cache=cache, stop_after=1)
    assert len(Progress.load(resumed).epochs) == 1
    fit(manifest, out=resumed, config=CONFIG, cache=cache)
    assert Progress.load(resumed) == Progress.load(whole)
    expected = load_file(whole / "checkpoint" / "averaged.safetensors")
    for name, value in load_file(resumed / "checkpoint" / "averaged.safetensors").items():
        torch.testing.assert_close(value, expected[name])

    shipped = tmp_path / "shipped" / "model.json"
    shipped.parent.mkdir()
    arguments = ["export", str(whole), "--to", str(shipped), "--cache", str(cache)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    model = ModelFile.load(shipped)
    assert (model.classes, model.initial_weights) == (CLASSES, "random")
    assert sorted(path.name for path in shipped.parent.iterdir()) == ["model.json", "model.onnx", "model.safetensors"]
    assert b"site-packages" not in (shipped.parent / model.onnx).read_bytes()

    # The ONNX file against torch, and the maps against the logits, on a picture that neither has seen.
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8))
    prepared = to_input(picture, size=model.input_size, mean=model.mean, std=model.std)[None]
    logits, maps = onnxruntime.InferenceSession(shipped.parent / model.onnx).run(None, {"x": prepared})
    network = load_network(whole)
    with torch.inference_mode():
        plain = network(torch.from_numpy(prepared))
        one_pass = OnePass(network)(torch.from_numpy(prepared))
    assert maps.shape[:2] == (1, 9)
    np.testing.assert_allclose(logits, plain.numpy(), atol=1e-4)
    np.testing.assert_allclose(maps, one_pass[1].numpy(), atol=1e-4)
    bias = load_file(shipped.parent / model.weights)["classifier.bias"].numpy()
    np.testing.assert_allclose(maps.mean(axis=(2, 3)) + bias, logits, atol=1e-4)

    # Measured as the clinic reads images, the figures are those that export wrote down.
    samples = load_manifest(whole / "manifest.csv")
    held_out = [sample.row for sample in samples if sample.split == "test"]
    assert {*(row.lesion_id for row in held_out)}.isdisjoint(
        sample.row.lesion_id for sample in samples if sample.split != "test"
    )
    measured = evaluate(shipped, held_out)
    assert measured["ham10000"]["images"] == 7
    assert measured["ham10000"]["macro_auc"] == pytest.approx(model.scores["test"]["ham10000"]["macro_auc"], abs=1e-6)
    result = CliRunner().invoke(app, ["evaluate", str(whole), "--model", str(shipped)], catch_exceptions=False)
    assert json.loads(result.stdout)["ham10000"] == measured["ham10000"]
