"""python -m core compare, as an operator meets it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.registration import displacement
from bench.warps import warped
from core.demo.lesion_images import draw_lesion
from tests.integration.test_cli import core


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A lesion, the same photographed again, another one, and a file that is no image."""
    first = draw_lesion(seed=3, size=256)
    first.save(tmp_path / "first.png")
    warped(first, np.random.default_rng(3)).picture.save(tmp_path / "again.png")
    draw_lesion(seed=40, size=256).save(tmp_path / "other.png")
    (tmp_path / "notes.png").write_bytes(b"no image at all")
    return tmp_path


def test_a_list_of_pairs_is_answered_in_its_order(pictures: Path) -> None:
    with (pictures / "pairs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["b", "a"], ["notes.png", "first.png"], ["other.png", "first.png"], ["again.png", "first.png"]])
    done = core("compare", "--pairs", pictures / "pairs.csv", "--json")
    assert done.returncode == 1
    failed, refused, accepted = json.loads(done.stdout)
    assert [Path(one["b"]).name for one in (failed, refused, accepted)] == ["notes.png", "other.png", "again.png"]
    assert set(failed) == {"a", "b", "error"} and "notes.png" in failed["error"]
    assert refused["accepted"] is False and refused["matrix"] is None and 0 <= refused["quality"] < 0.4
    assert accepted["accepted"] is True and accepted["quality"] > 0.4
    truth = warped(Image.open(pictures / "first.png"), np.random.default_rng(3)).matrix
    assert displacement(np.array(accepted["matrix"]), truth, (256, 256)) < 1


def test_the_second_image_is_written_over_the_first(pictures: Path) -> None:
    done = core("compare", pictures / "first.png", pictures / "again.png", "--aligned", pictures / "over.png")
    assert done.returncode == 0
    assert "aligned by the skin, quality 0." in done.stdout
    assert Image.open(pictures / "over.png").size == (256, 256)


def test_a_refusal_is_an_answer_but_leaves_nothing_to_write(pictures: Path) -> None:
    done = core("compare", pictures / "first.png", pictures / "other.png", "--aligned", pictures / "over.png")
    assert done.returncode == 1
    assert "refused" in done.stdout and "no aligned image" in done.stderr
    assert not (pictures / "over.png").exists()


def test_a_list_without_the_columns_is_told_in_one_line(pictures: Path) -> None:
    (pictures / "pairs.csv").write_text("one,two\n")
    done = core("compare", "--pairs", pictures / "pairs.csv")
    assert done.returncode == 1
    assert done.stderr.strip() == f"dermtrail: {pictures / 'pairs.csv'} has no columns a and b."
