"""What the shipped model refuses: pictures that show no skin, nearly all of them; and not what shows a lesion."""

import json
from itertools import chain
from pathlib import Path

import pytest
from PIL import ImageFilter
from typer.testing import CliRunner

from core.demo.lesion_images import FAMILIAR, draw_lesion
from core.vision.certainty import Certainty
from core.vision.reader import Reader
from training.__main__ import app
from training.strangers import DRAWN, drawn, refusals, sample_photographs


def test_pictures_that_show_no_skin_are_refused(reader: Reader) -> None:
    found = refusals(reader, chain(sample_photographs(), drawn(seed=1, of_each=12)))
    assert set(found) == {"scikit-image's pictures", *DRAWN}
    for kind, one in found.items():
        assert one.refused >= 0.9 * one.pictures, f"{kind}: {one.passed}"
    assert sum(one.refused for one in found.values()) >= 0.95 * sum(one.pictures for one in found.values())


def test_most_drawn_lesions_are_not(reader: Reader) -> None:
    """They are drawings, and none was learned from; yet they look like lesions."""
    lesions = [draw_lesion(seed=seed, size=400, kind=FAMILIAR[seed % len(FAMILIAR)]) for seed in range(36)]
    refused = [reader.read(lesion).certainty is Certainty.UNREADABLE for lesion in lesions]
    assert sum(refused) <= 9


@pytest.mark.parametrize("seed", range(3))
def test_a_lesion_out_of_focus_is_refused_for_that(reader: Reader, seed: int) -> None:
    blurred = draw_lesion(seed=seed, size=400).filter(ImageFilter.GaussianBlur(40))
    reading = reader.read(blurred)
    assert reading.certainty is Certainty.UNREADABLE
    assert reading.concern is not None


def test_the_command_counts_and_names_what_passed(reader: Reader, tmp_path: Path) -> None:
    folder, figures = tmp_path / "mine", tmp_path / "figures.json"
    folder.mkdir()
    draw_lesion(seed=1, size=300, kind="nevus").save(folder / "drawn.png")
    result = CliRunner().invoke(app, ["refusals", str(folder), "--json", str(figures)], catch_exceptions=False)
    assert result.exit_code == 0
    written = json.loads(figures.read_text())
    assert written["model_version"] == reader.model_version
    assert written["kinds"]["mine"]["pictures"] == 1
    assert written["kinds"]["faces"]["pictures"] == 40
    assert "faces: " in result.stdout
