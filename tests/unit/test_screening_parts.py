"""The parts of the public page that need no server."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from core import guidance
from core.clinics.directory import starting_list
from core.clinics.nearest import Near
from core.clinics.places import Place
from core.taxonomy import TERMS
from core.vision.certainty import Certainty
from core.vision.reader import Reading
from dashboard.screening import answers
from dashboard.screening.uploads import only_uploads, private_folder, sweep, take


def _reading(**probabilities: float) -> Reading:
    spelt = {name.replace("_", " "): probability for name, probability in probabilities.items()}
    everything = {term.name: spelt.get(term.name, 0.0) for term in TERMS}
    return Reading(
        probabilities=everything,
        malignant_probability=sum(everything[name] for name in ("melanoma", "basal cell carcinoma")),
        flagged=True,
        activations=np.zeros((9, 4, 4), dtype=np.float32),
        certainty=Certainty.CERTAIN,
        concern=None,
        prediction_set=(max(everything, key=everything.__getitem__),),
        features=np.zeros(1280, dtype=np.float32),
        model_version="model-1",
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "put back after the test")
    return private_folder(tmp_path / "uploads")


def test_the_folder_is_private_and_starts_empty(tmp_path: Path, folder: Path) -> None:
    (folder / "left over").write_bytes(b"x")
    again = private_folder(tmp_path / "uploads")
    assert list(again.iterdir()) == []
    assert again.stat().st_mode & 0o777 == 0o700
    assert os.environ["GRADIO_TEMP_DIR"] == str(again)


def test_a_photo_is_taken_once(folder: Path) -> None:
    upload = folder / "hash" / "photo.jpg"
    upload.parent.mkdir()
    upload.write_bytes(b"pixels")
    assert take({"path": str(upload)}) == b"pixels"
    assert list(folder.iterdir()) == []
    with pytest.raises(gr.Error, match="did not arrive"):
        take({"path": str(upload)})


@pytest.mark.parametrize("payload", [None, [], {}, {"path": ""}, "photo.jpg", {"path": "https://example.org/x.jpg"}])
def test_what_is_no_upload_is_not_taken(folder: Path, payload: object) -> None:
    with pytest.raises(gr.Error, match="did not arrive"):
        take(payload)


def test_a_file_outside_the_folder_is_neither_taken_nor_removed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    link = folder / "link"
    link.symlink_to(secret)
    for path in (secret, folder / ".." / "secret", link):
        with pytest.raises(gr.Error):
            take({"path": str(path)})
    assert secret.read_text() == "x"


@pytest.mark.parametrize("component", [gr.File, gr.Textbox])
@pytest.mark.parametrize("named", ["https://example.org/photo.jpg", "/etc/hostname", "../x"])
def test_no_component_fetches_or_copies_what_a_caller_names(folder: Path, component: type, named: str) -> None:
    moved = only_uploads(component()).async_move_resource_to_block_cache
    with pytest.raises(gr.Error):
        asyncio.run(moved(named))
    assert list(folder.iterdir()) == []


def test_what_broken_off_uploads_left_is_swept_up(folder: Path) -> None:
    old, new = folder / "tmpold", folder / "hash" / "new.jpg"
    new.parent.mkdir()
    for path in (old, new):
        path.write_bytes(b"x")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    sweep(folder, older_than=300)
    assert [path for path in folder.rglob("*") if path.is_file()] == [new]
    sweep(folder, older_than=0)
    assert list(folder.iterdir()) == []


def test_advice_more_urgent_than_the_match_sounds_says_why() -> None:
    mixed = _reading(nevus=0.6, melanoma=0.4)
    assert "the cancers and their early stages together come to 40%" in answers.match(mixed, urgent=True)
    assert "come to" not in answers.match(mixed, urgent=False)
    assert "come to" not in answers.match(_reading(melanoma=0.9, nevus=0.1), urgent=True)


def test_the_match_is_named_with_its_share_and_is_no_diagnosis() -> None:
    shown = answers.match(_reading(actinic_keratosis=0.7, nevus=0.3), urgent=True)
    assert "<b>Actinic keratosis</b> <span>70%</span>" in shown
    assert "can turn into skin cancer" in shown
    assert guidance.NO_DIAGNOSIS in shown


def test_clinics_cannot_bring_markup_or_templates() -> None:
    nasty = "<script>alert(1)</script>{{x}}${y}`'\""
    clinic = replace(starting_list()[0], name=nasty, city=nasty, phone=nasty, website="javascript:alert(1)")
    place = Place(nasty, "IN", 0.0, 0.0, 1)
    shown = answers.nearest_clinics([place, place], [Near(clinic, 3.2)])
    for dangerous in ("<script", "{{", "${", "`", "javascript:"):
        assert dangerous not in shown
    assert "3 km" in shown


def test_other_places_of_the_name_are_mentioned() -> None:
    salem = Place("Salem", "IN", 11.65, 78.16, 900_000)
    shown = answers.nearest_clinics([salem, replace(salem, country="US")], [Near(starting_list()[0], 1500)])
    assert "<h3>Salem, India</h3>" in shown
    assert "Salem, United States" in shown
    assert "1,500 km" in shown


@pytest.mark.parametrize("outcome", guidance.Outcome)
def test_every_sentence_of_the_guidance_reaches_the_page(outcome: guidance.Outcome) -> None:
    told = guidance.guidance(outcome)
    shown = answers.advice(told)
    for sentence in (told.headline, *told.advice, *(point for _, points in told.lists for point in points)):
        assert sentence.replace("'", "&#x27;") in shown
