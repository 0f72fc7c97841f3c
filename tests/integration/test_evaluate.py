"""From drawn lesions and a table of labels to figures, a report and the model card, by the command line."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from pydantic import BaseModel
from typer.testing import CliRunner

from core.demo.lesion_images import LOOKS, draw_lesion
from core.vision.model_file import SHIPPED, ModelFile
from core.vision.reader import Reader
from tests.needs import needs
from training import evaluation
from training.__main__ import app
from training.evaluation import Evaluation
from training.labels import meaning
from training.tables import told

WORDS = {
    "nevus": "nv",
    "melanoma": "Melanoma, NOS",
    "seborrheic keratosis": "seborrheic_keratosis",
    "basal cell carcinoma": "bcc",
    "vascular lesion": "vascular lesion",
}
LESIONS, VISITS = 4, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 images of 20 drawn lesions with their outlines, and a table that has more lines than that."""
    needs(SHIPPED.exists(), "the model file in the repository")
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "images" / "deep").mkdir(parents=True)
    (folder / "masks").mkdir()
    lesion_in_the_middle = np.zeros((96, 96), dtype=np.uint8)
    lesion_in_the_middle[24:72, 24:72] = 255
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["isic_id", "diagnosis", "lesion_id", "source", "age_approx", "sex", "anatom_site_general"])
        for kind in LOOKS:
            for number in range(LESIONS * VISITS):
                seed, visit = divmod(number, VISITS)
                name = f"{kind[:3]}_{number}"
                picture = draw_lesion(seed=seed, size=96, kind=kind, visit=visit)
                picture.save(folder / "images" / "deep" / f"{name}.png")
                Image.fromarray(lesion_in_the_middle).save(folder / "masks" / f"{name}_segmentation.png")
                source = "one" if seed % 2 else "other"
                writer.writerow([name, WORDS[kind], f"{kind}-{seed}", source, 20 + 10 * seed, "female", ""])
        writer.writerow(["unknown_word", "wart", "", "", "", "", ""])
        writer.writerow(["no_file", "nevus", "", "", "", "", ""])
        writer.writerow(["no_image", "nevus", "", "", "", "", ""])
    (folder / "images" / "no_image.jpg").write_bytes(b"\xff\xd8\xff broken")
    return folder


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def output(folder: Path) -> str:
    """What the command prints; beside the table lie the JSON and the report that it wrote."""
    result = called(
        *("evaluate", "--images", folder / "images", "--labels", folder / "labels.csv", "--masks", folder / "masks"),
        *("--json", folder / "figures.json", "--report", folder / "report"),
    )
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def written(folder: Path, output: str) -> Any:
    return json.loads((folder / "figures.json").read_text())


def test_says_what_it_read_and_how(output: str) -> None:
    assert "40 images of 20 lesions" in output
    assert "nv -> nevus (HAM10000)" in output
    assert "left out: wart" in output
    assert "without a file: no_file" in output
    assert "unreadable: no_image" in output
    assert "balanced accuracy" in output


def test_figures_are_those_of_the_clinics_reader(folder: Path, written: Any) -> None:
    reader = Reader(SHIPPED)
    right, flagged = [], []
    for kind, word in WORDS.items():
        found = meaning(word)
        assert found is not None and found.classes == {kind}
        for path in sorted((folder / "images" / "deep").glob(f"{kind[:3]}_*.png")):
            with Image.open(path) as picture:
                reading = reader.read(picture)
            right.append(max(WORDS, key=reading.probabilities.__getitem__) == kind)
            flagged.append((kind in {"melanoma", "basal cell carcinoma"}, reading.flagged))
    overall = written["overall"]
    assert (overall["images"], overall["lesions"], len(right)) == (40, 20, 40)
    assert overall["tasks"]["labels"]["accuracy"]["value"] == pytest.approx(np.mean(right))
    needed = [was for needs_it, was in flagged if needs_it]
    assert overall["needs_attention"]["sensitivity"]["value"] == pytest.approx(np.mean(needed))
    assert overall["needs_attention"]["threshold"] == reader.model_file.malignant_threshold
    assert sorted(written["by_source"]) == ["one", "other"]
    assert written["by_age"].keys() == {"0 to 29", "30 to 49", "50 to 69"} & written["by_age"].keys()
    assert written["by_site"] == written["by_skin_type"] == {}
    assert written["masks"]["lesion_share"]["value"] == 0.25
    assert written["data"]["left_out"] == {"wart": 1} and written["data"]["missing"] == ["no_file"]
    assert [*written["data"]["unreadable"]] == ["no_image"]


def documented(model: type[BaseModel]) -> Iterator[str]:
    """Names under "Attributes:" in the docstring."""
    listed = (model.__doc__ or "").partition("Attributes:")[2]
    for names in re.findall(r"^ {8}(\w+(?:, \w+)*):", listed, re.MULTILINE):
        yield from names.split(", ")


def test_keys_are_those_that_are_documented(written: Any) -> None:
    assert Evaluation.model_validate(written).model_dump(mode="json") == written
    named = [one for one in vars(evaluation).values() if isinstance(one, type)]
    models = [one for one in named if issubclass(one, BaseModel) and one is not BaseModel]
    assert len(models) > 10
    for model in models:
        assert {*documented(model)} <= {*model.model_fields}
        assert model.__doc__ or not model.model_fields
    assert Evaluation.model_fields.keys() == written.keys()


def test_the_report_is_a_page_with_its_diagrams(folder: Path, output: str) -> None:
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    drawn = re.findall(r'<img src="([^"]+)"', page)
    assert len(drawn) == 6
    for name in drawn:
        with Image.open(folder / "report" / name) as diagram:
            assert diagram.width > 500
    assert "left out: wart" in page and "<table>" in page


def test_the_card_is_written_from_the_figures(folder: Path, written: Any) -> None:
    card = folder / "docs" / "MODEL_CARD.md"
    assert called("card", folder / "figures.json", "--out", card).exit_code == 0
    text = card.read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## What was aimed for",
        "## Data",
        "## Technique",
        "## Technical assessment",
        "## Application",
    ]
    figures = Evaluation.model_validate(written)
    model = ModelFile.load()
    for told_there in (
        model.version,
        told(figures.overall.needs_attention.auc),
        told(figures.overall.calibration.ece),
        told(figures.overall.tasks["labels"].classes["melanoma"].auc),
        "Skin type: no figure, since no image records it.",
        *(of["licence"] for of in model.trained_on.values()),
    ):
        assert told_there in text
    aims = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if " at least " in line}
    assert "not measured" in aims["HAM10000, seven classes: balanced accuracy"]
    for name in re.findall(r"!\[[^]]+]\(([^)]+)\)", text):
        assert (card.parent / name).is_file()


def test_no_figure_is_typed_into_the_card(folder: Path) -> None:
    template = Path(evaluation.__file__).with_name("card.md.j2").read_text(encoding="utf-8")
    prose = re.sub(r"\{%.*?%\}", "", template.replace("95 %", ""), flags=re.DOTALL)
    assert re.findall(r"(?<![\d:])0\.\d+|\d+ %", prose) == []


def test_a_card_of_another_model_is_refused(folder: Path, written: Any, tmp_path: Path) -> None:
    of_another = {**written, "model": {**written["model"], "version": "another"}}
    (tmp_path / "another.json").write_text(json.dumps(of_another))
    result = called("card", tmp_path / "another.json", "--out", tmp_path / "card.md")
    assert result.exit_code != 0 and "another" in result.output
    assert not (tmp_path / "card.md").exists()


def test_unclear_arguments_are_refused_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    assert "either --images and --labels" in called("evaluate", "--images", folder / "images").output
    table = tmp_path / "labels.csv"
    table.write_text("isic_id,diagnosis\nnev_0,wart\n")
    result = called("evaluate", "--images", folder / "images", "--labels", table)
    assert result.exit_code == 2 and "not one image" in result.output
