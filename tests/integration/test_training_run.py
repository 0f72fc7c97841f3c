"""From folders of images to a model file, on generated pictures: fit, kill, resume, export, evaluate."""

import csv
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from core.vision.model_file import ModelFile
from core.vision.preprocess import to_input
from core.vision.reader import OUTPUTS
from core.vision.torch_model import load_torch_model
from training.__main__ import app
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.export import export
from training.fit import fit
from training.labels import CLASSES, HAM10000_CODES
from training.loss import mixed_loss
from training.readers import read_folders
from training.run import PAPER, FitConfig, Progress, load_manifest
from training.table import Labelled

CONFIG = FitConfig("test_efficientnet", initial_weights="random", plan="32x2", batch_size=8, compile=False)
"""timm's own tiny network of the same build as EfficientNet-B0."""


def write_picture(path: Path, *, colour: int, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = generator.integers(0, 90, size=(6, 8, 3)) + np.array([colour * 17, 160 - colour * 17, 80])
    Image.fromarray(coarse.astype(np.uint8)).resize((48, 36)).save(path)


def steps_an_epoch(run: Path) -> int:
    samples = load_manifest(run / "manifest.csv")
    return sum(sample.split == "train" for sample in samples) // CONFIG.batch_size


def killed_after(*, steps: int) -> Callable[..., torch.Tensor]:
    """The loss, until it is asked for once more than `steps` times."""
    left = iter(range(steps))

    def loss(*arguments: torch.Tensor, **options: float) -> torch.Tensor:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return mixed_loss(*arguments, **options)

    return loss


def scalars(run: Path, name: str) -> dict[int, float]:
    """What TensorBoard would draw for `name`: value by epoch."""
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {event.step: event.value for event in events.Scalars(name)}


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
    manifest = read_folders(list(sources.values()), cache=tmp_path)
    cache = tmp_path / "cache"
    whole = fit(manifest, out=tmp_path / "whole", config=CONFIG, cache=cache)

    # Killed in its second epoch, and the change of checkpoints too, and gone on with, a run ends where another one does
    # that nothing disturbed: so a rerun agrees, and so does the rest of a run.
    resumed = tmp_path / "resumed"
    with monkeypatch.context() as killing, pytest.raises(KeyboardInterrupt):
        killing.setattr("training.fit.mixed_loss", killed_after(steps=steps_an_epoch(whole) + 2))
        fit(manifest, out=resumed, config=CONFIG, cache=cache)
    assert len(Progress.load(resumed).epochs) == 1
    (resumed / "checkpoint").rename(resumed / "checkpoint.new")
    fit(manifest, out=resumed, config=CONFIG, cache=cache)
    assert Progress.load(resumed) == Progress.load(whole)
    expected = load_file(whole / "checkpoint" / "averaged.safetensors")
    for name, value in load_file(resumed / "checkpoint" / "averaged.safetensors").items():
        torch.testing.assert_close(value, expected[name])

    losses = [epoch["loss"] for epoch in Progress.load(whole).epochs]
    for run in (whole, resumed):
        assert scalars(run, "loss") == pytest.approx(dict(enumerate(losses, start=1)))

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
    session = onnxruntime.InferenceSession(shipped.parent / model.onnx)
    logits, maps, features, strangeness = session.run(OUTPUTS, {"x": prepared})
    network = load_torch_model(shipped).network
    with torch.inference_mode():
        plain = network(torch.from_numpy(prepared))
        last = network.forward_features(torch.from_numpy(prepared))
    assert maps.shape[:2] == (1, 9)
    assert strangeness.shape == (1,)
    np.testing.assert_allclose(logits, plain.numpy(), atol=1e-4)
    np.testing.assert_allclose(features, last.mean(dim=(2, 3)).numpy(), atol=1e-4)
    bias = load_file(shipped.parent / model.weights)["classifier.bias"].numpy()
    np.testing.assert_allclose(maps.mean(axis=(2, 3)) + bias, logits, atol=1e-4)

    # Measured as the clinic reads images, the figures are those that export wrote down.
    samples = load_manifest(whole / "manifest.csv")
    held_out = [sample.row for sample in samples if sample.split == "test"]
    assert {*(row.lesion_id for row in held_out)}.isdisjoint(
        sample.row.lesion_id for sample in samples if sample.split != "test"
    )
    measured = evaluate(Labelled(held_out), model=shipped)
    seven = measured.by_source["ham10000"].tasks["ham10000"]
    assert seven.images == 7
    assert seven.macro_auc.value == pytest.approx(model.scores["test"]["ham10000"]["macro_auc"], abs=1e-6)
    figures = tmp_path / "figures.json"
    arguments = ["evaluate", "--run", str(whole), "--model", str(shipped), "--json", str(figures)]
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    written = Evaluation.model_validate_json(figures.read_text())
    assert (written.data.labels, written.data.split) == ("whole", "test")
    assert written.overall == measured.overall


def test_the_papers_protocol_is_measured_for_what_leaks_and_never_shipped(
    sources: dict[str, Path], tmp_path: Path
) -> None:
    manifest = read_folders(list(sources.values()), cache=tmp_path)
    config = replace(CONFIG, plan="32x1", batch_size=4, protocol=PAPER)
    run = fit(manifest, out=tmp_path / "paper", config=config, cache=tmp_path / "cache")
    with pytest.raises(ValueError, match="not to be shipped"):
        export(run, to=tmp_path / "model.json")
    arguments = ["leakage", str(run), "--cache", str(tmp_path / "cache"), "--json", str(tmp_path / "figures.json")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert json.loads(result.stdout) == figures
    assert (figures["protocol"], figures["train"], figures["test"]) == ("paper", 8, 2)
    # Each of the ten images has a lesion and a look of its own.
    assert figures["leaked"]["any"] == 0
    assert figures["accuracy"]["all"] == figures["accuracy"]["unleaked"]
    assert figures["accuracy"]["leaked"] is None
