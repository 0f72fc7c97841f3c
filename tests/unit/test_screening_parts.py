"""The parts of the public page that need no server."""

import asyncio
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from core.clinics.directory import starting_list
from core.clinics.kind import ClinicKind
from core.clinics.nearest import Near
from core.clinics.places import Place
from core.guidance import Decision, Outcome, Reason, guidance, sentences
from core.languages import ENGLISH, LANGUAGES, Language
from core.taxonomy import TERMS
from core.vision.certainty import Certainty
from core.vision.reader import Reading
from dashboard.screening import answers, door, nearby, uploads
from dashboard.screening.photos import Photo, Photos
from dashboard.screening.sessions import NoSessions
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


def test_gradio_remembers_nothing_of_a_session() -> None:
    with gr.Blocks() as page:
        shown = gr.HTML("")
    sessions = NoSessions(page)
    state = sessions["one"]
    state._update_value_in_config(shown._id, "the photo")
    state[shown._id] = gr.HTML("the photo", render=False)
    assert state.config_values == {}
    for session in ("one", "two"):
        assert sessions[session][shown._id] is shown
        assert session not in sessions


def test_photos_may_come_and_go_while_the_folder_is_swept_and_weighed(folder: Path) -> None:
    def come_and_go() -> None:
        for number in range(300):
            upload = folder / str(number) / "photo"
            upload.parent.mkdir()
            upload.write_bytes(b"x")
            upload.unlink()
            upload.parent.rmdir()

    visitor = threading.Thread(target=come_and_go)
    visitor.start()
    while visitor.is_alive():
        sweep(folder, older_than=300)
        assert door._bytes_in(folder) in {0, 1}
    assert list(folder.iterdir()) == []


def test_the_match_is_named_with_its_share_and_is_no_diagnosis() -> None:
    shown = answers.match(ENGLISH, _reading(actinic_keratosis=0.7, nevus=0.3))
    assert "<b>Actinic keratosis</b> <span>70%</span>" in shown
    assert "can turn into skin cancer" in shown
    assert sentences.NO_DIAGNOSIS in shown
    assert shown.count("class='name'") == len(TERMS)


def test_actinic_keratosis_is_never_shown_as_benign() -> None:
    shown = answers.match(ENGLISH, _reading(actinic_keratosis=0.7, nevus=0.3))
    assert "Precancerous" in shown
    assert "<li class='indeterminate'><span class='name'>Actinic keratosis" in shown


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.code for language in LANGUAGES])
def test_clinics_cannot_bring_markup_or_templates(language: Language) -> None:
    nasty = "<script>alert(1)</script>{{x}}${y}`'\""
    clinic = replace(starting_list()[0], name=nasty, city=nasty, phone=nasty, website="javascript:alert(1)")
    place = Place(nasty, "IN", 0.0, 0.0, 1)
    shown = nearby.clinic_list(language, nasty, [Near(clinic, 3.2)], others=[place])
    for dangerous in ("<script", "{{", "${", "`", "javascript:"):
        assert dangerous not in shown
    framed = nearby.map_frame(
        language, [], files="/files", dark=True, here=(1, 2), title=nasty, found=[Near(clinic, 3.2)]
    )
    for dangerous in ("{", "$", "`", "<script"):
        assert dangerous not in framed.partition("srcdoc=")[2].partition("</iframe>")[0]


def test_the_map_asks_nobody_else_for_anything() -> None:
    framed = nearby.map_frame(ENGLISH, starting_list(), files="/screening/files", dark=False)
    assert "/app/static" not in framed
    assert "tile.openstreetmap.org" not in framed
    assert "/screening/files/leaflet/leaflet.js" in framed


def test_the_map_speaks_the_language_of_the_page() -> None:
    spanish = next(language for language in LANGUAGES if language.code == "es")
    framed = nearby.map_frame(spanish, starting_list(), files="/files", dark=False)
    assert json.dumps(spanish.translate("Cancer centre"))[1:-1] in framed
    for english in ("Cancer centre", "Shown at the town", "United States"):
        assert english not in framed


def test_other_places_of_the_name_are_mentioned() -> None:
    salem = Place("Salem", "IN", 11.65, 78.16, 900_000)
    title = nearby.place_title(ENGLISH, salem)
    near = [Near(starting_list()[0], 1500)]
    shown = nearby.clinic_list(ENGLISH, title, near, others=[replace(salem, country="US")])
    assert "<h3>Salem, India</h3>" in shown
    assert "Salem, United States" in shown
    assert "1,500 km" in shown


def test_countries_and_numbers_are_written_as_the_language_does() -> None:
    spanish = next(language for language in LANGUAGES if language.code == "es")
    assert nearby.place_title(spanish, Place("Boston", "US", 42.4, -71.1, 1)) == "Boston, Estados Unidos"
    assert "1.500 km" in nearby.clinic_list(spanish, "x", [Near(starting_list()[0], 1500)])


def test_directions_lead_to_the_spot_or_else_to_the_name() -> None:
    clinic = replace(starting_list()[0], position_approximate=False, latitude=12.5, longitude=-3.25)
    exact = nearby.clinic_list(ENGLISH, "x", [Near(clinic, 3)])
    assert "destination=12.50000%2C-3.25000" in exact
    assert "geo:12.50000,-3.25000?q=12.50000" in exact
    in_town = replace(clinic, name="Cancer Institute", city="Chennai", position_approximate=True)
    near_town = nearby.clinic_list(ENGLISH, "x", [Near(in_town, 3)])
    assert "destination=Cancer+Institute" in near_town
    assert "destination=12" not in near_town
    assert "exact address is not known" in near_town


def test_cancer_centres_come_first_where_it_is_urgent() -> None:
    chennai = (13.088, 80.278)
    kinds = [near.clinic.kind for near in nearby.nearest_clinics(starting_list(), chennai, outcome=Outcome.SEE_NOW)]
    assert kinds[:3] == [ClinicKind.CANCER_CENTRE] * 3
    found = nearby.nearest_clinics(starting_list(), chennai, outcome=Outcome.WATCH)
    distances = [near.distance_km for near in found]
    assert distances == sorted(distances)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("language", LANGUAGES, ids=[language.code for language in LANGUAGES])
def test_every_sentence_of_the_guidance_reaches_the_page(outcome: Outcome, language: Language) -> None:
    told = guidance(outcome)
    shown = answers.advice(language, Decision(outcome, (Reason.CHANGING,)))
    for sentence in (told.headline, *told.advice, *(point for _, points in told.lists for point in points)):
        assert answers.text(language.translate(sentence)) in shown


def test_advice_beside_an_unreadable_photo_says_that_it_was_not_read() -> None:
    shown = answers.advice(
        ENGLISH, Decision(Outcome.SEE_SOON, (Reason.BLEEDING, Reason.UNREADABLE)), problem="Blurred."
    )
    assert "We cannot read this image, so the photo says nothing about your skin." in shown
    assert "Blurred." in shown
    assert "You say that it bleeds" in shown


def test_a_photo_is_forgotten_with_its_session_and_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("dashboard.screening.photos.time.monotonic", lambda: now[0])
    photos = Photos()
    photos.keep("one", Photo(None))
    photos.keep("two", Photo(None))
    photos.forget("one")
    assert photos.of("one") is None
    now[0] = 599.0
    assert photos.of("two") is not None
    now[0] = 600.0
    assert photos.of("two") is None
    assert len(photos) == 0


def test_no_more_photos_are_held_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.screening.photos.MOST_PHOTOS", 3)
    photos = Photos()
    for number in range(5):
        photos.keep(str(number), Photo(None))
    assert [photos.of(str(number)) is None for number in range(5)] == [True, True, False, False, False]


@pytest.mark.parametrize("text", ["", "a" * 41, "../x", "a b", "ä"])
def test_what_no_browser_asks_about_is_no_upload(text: str) -> None:
    assert uploads.upload_id_of("k3j2_h-5") == "k3j2_h-5"
    assert uploads.upload_id_of(text) is None


def test_how_far_an_upload_was_is_forgotten_at_the_second_sweep() -> None:
    uploads.file_upload_statuses.append("photo", "the name of a person.jpg", b"1")
    known = uploads.forget_progress(set())
    assert "photo" in known
    assert "photo" not in uploads.forget_progress(known)
    assert "photo" not in uploads.file_upload_statuses._statuses
    assert "photo" not in uploads.file_upload_statuses._signals
