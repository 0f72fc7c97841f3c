"""python -m core compare, as an operator meets it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.registration import displacement
from bench.warps import grown_middle, warped
from core.demo.lesion_images import draw_lesion
from core.vision.change import QUANTITIES
from core.vision.outline import Outliner
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
    assert refused["change"] is None and refused["change_remark"] == "The fit was refused."
    assert accepted["accepted"] is True and accepted["quality"] > 0.4
    truth = warped(Image.open(pictures / "first.png"), np.random.default_rng(3)).matrix
    assert displacement(np.array(accepted["matrix"]), truth, (256, 256)) < 1


def test_the_second_image_is_written_over_the_first(pictures: Path) -> None:
    done = core("compare", pictures / "first.png", pictures / "again.png", "--aligned", pictures / "over.png")
    assert done.returncode == 0
    assert "aligned by the skin, quality 0." in done.stdout
    assert Image.open(pictures / "over.png").size == (256, 256)


def test_a_lesion_that_grew_is_measured_in_pixels_of_the_first_image(tmp_path: Path) -> None:
    first = draw_lesion(seed=6, size=384)
    first.save(tmp_path / "first.png")
    for name, growth in (("same", 1.0), ("grown", 1.2)):
        warped(first, np.random.default_rng(6), growth=growth).picture.save(tmp_path / f"{name}.png")
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b"], ["first.png", "same.png"], ["first.png", "grown.png"]])
    done = core("compare", "--pairs", tmp_path / "pairs.csv", "--json")
    same, grown = (one["change"] for one in json.loads(done.stdout))
    assert set(grown) == {quantity.name for quantity in QUANTITIES}
    assert set(grown["area"]) == {"first", "second", "difference", "uncertainty", "changed"}
    truth = grown_share(first)
    assert truth > 1.2
    assert grown["area"]["second"] / grown["area"]["first"] == pytest.approx(truth, rel=0.05)
    assert grown["area"]["changed"] is True and grown["area"]["uncertainty"] > 0
    assert grown["diameter"]["difference"] > 0
    assert same["area"]["second"] / same["area"]["first"] == pytest.approx(1, rel=0.05)
    assert same["area"]["changed"] is False and same["diameter"]["changed"] is False


def grown_share(first: Image.Image) -> float:
    """How many times as large the lesion's area is after the growth that `warped` makes."""
    mask = Outliner(threads=1).outline(first).mask
    after = grown_middle(np.dstack([mask.astype(np.uint8) * 255] * 3), 1.2)
    return float((after[..., 0] > 127).sum() / mask.sum())


def test_no_growth_is_told_where_the_lesion_holds_the_fit(tmp_path: Path) -> None:
    first = draw_lesion(seed=5, size=384)
    first.save(tmp_path / "first.png")
    warped(first, np.random.default_rng(5), growth=1.2).picture.save(tmp_path / "second.png")
    (told,) = json.loads(core("compare", tmp_path / "first.png", tmp_path / "second.png", "--json").stdout)
    assert (told["accepted"], told["held_by"]) == (True, "lesion")
    assert told["change"]["area"] is None and told["change"]["diameter"] is None
    assert told["change"]["asymmetry"]["uncertainty"] > 0
    assert "cannot be told from a larger magnification" in told["change_remark"]


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
