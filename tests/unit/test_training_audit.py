"""The audit finds what was put into the folders, says what is decided, and shows it on a page that stands alone."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageEnhance, ImageOps
from typer.testing import CliRunner

from core.demo.lesion_images import draw_lesion
from training.__main__ import app
from training.audit_page import counts
from training.look import camera_of, look_at


def lesion(seed: int) -> Image.Image:
    return draw_lesion(seed=seed, size=120, kind=("nevus", "melanoma", "vascular lesion")[seed % 3])


def save(image: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A nine-class folder and a HAM10000 with one of everything that may be wrong."""
    isic9, ham10000 = tmp_path_factory.mktemp("isic9"), tmp_path_factory.mktemp("ham10000")
    codes = {1: "akiec", 2: "nv", 3: "nv", 4: "nv", 5: "mel", 6: "nv", 7: "nv", 8: "akiec"}
    with (ham10000 / "HAM10000_metadata.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"])
        for number, code in codes.items():
            writer.writerow([f"HAM_{2 if number == 3 else number}", f"ISIC_000000{number}", code, "histo", 50, "", ""])
    for number in (1, 2, 3, 4, 5, 8):
        save(lesion(number), ham10000 / "images" / f"ISIC_000000{number}.jpg", quality=90)
    # 6 is 4 again, redder, a bit moved and saved anew; 7 is no image.
    moved = ImageOps.expand(lesion(4), border=2, fill="#d0a090").crop((3, 1, 123, 121))
    save(ImageEnhance.Color(moved).enhance(1.4), ham10000 / "images" / "ISIC_0000006.jpg", quality=70)
    (ham10000 / "images" / "ISIC_0000007.jpg").write_bytes(b"\xff\xd8\xff a photograph, once")

    small = lesion(1).resize((90, 90))
    for name in ("actinic keratosis", "nevus"):
        save(small, isic9 / "Train" / name / "ISIC_0000001.jpg", quality=95)
    for name in ("melanoma", "seborrheic keratosis"):
        save(lesion(9), isic9 / "Train" / name / "ISIC_0000009.jpg", quality=95)
    for name in ("ISIC_0000010", "ISIC_0000010(1)"):
        save(lesion(10), isic9 / "Train" / "vascular lesion" / f"{name}.jpg", quality=95)
    save(lesion(8), isic9 / "Train" / "actinic keratosis" / "ISIC_0000008.jpg", quality=95)
    save(lesion(11), isic9 / "Train" / "vascular lesion" / "ISIC_0000002.jpg", quality=95)
    return isic9, ham10000


@pytest.fixture(scope="module")
def run(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any], Path]:
    """What the command printed, its JSON, and the folder of its report."""
    out = tmp_path_factory.mktemp("report")
    arguments = ["audit", *map(str, folders), "--json", str(out / "found.json"), "--report", str(out)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, json.loads((out / "found.json").read_text()), out


def test_each_contradiction_comes_with_its_decision_and_why(run: tuple[str, dict[str, Any], Path]) -> None:
    printed, found, _ = run
    decided = {one["isic_id"]: (one["decision"], one["rules"]) for one in found["contradictions"]}
    assert decided == {
        "ISIC_0000001": (["actinic keratosis"], ["nine-class folder overruled", "akiec refined"]),
        "ISIC_0000002": (["nevus"], ["nine-class folder overruled"]),
        "ISIC_0000009": ([], ["left out: two nine-class folders, no other source"]),
    }
    for line in (
        "ISIC_0000001  isic9: actinic keratosis, isic9: nevus, ham10000: akiec  ->  actinic keratosis  (Rule 1: ",
        "ISIC_0000009  isic9: melanoma, isic9: seborrheic keratosis  ->  left out  (Rule 3: ",
    ):
        assert line in printed
    assert [one["isic_id"] for one in found["refined"]] == ["ISIC_0000008"]


def test_copies_are_found_by_id_by_bytes_and_by_what_they_show(run: tuple[str, dict[str, Any], Path]) -> None:
    _, found, _ = run
    assert {one["isic_id"] for one in found["same_id"]} == {"ISIC_0000001", "ISIC_0000009", "ISIC_0000010"}
    assert {tuple(one["isic_ids"]) for one in found["same_bytes"]} == {
        ("ISIC_0000001",),
        ("ISIC_0000009",),
        ("ISIC_0000010",),
    }
    (pair,) = found["same_picture"]
    assert pair["isic_ids"] == ["ISIC_0000004", "ISIC_0000006"]
    assert pair["decision"] == "both kept, on one side of the split"
    assert [one["isic_id"] for one in found["other_picture"]] == ["ISIC_0000002"]


def test_the_counts_add_up(run: tuple[str, dict[str, Any], Path]) -> None:
    _, found, _ = run
    assert (found["files"], found["images"], found["kept"], found["left_out"]) == (16, 10, 8, 1)
    assert [Path(one["file"]).name for one in found["unreadable"]] == ["ISIC_0000007.jpg"]
    assert found["lesions"]["several"] == {"HAM_2": ["ISIC_0000002", "ISIC_0000003"]}
    assert found["shared"] == [
        {"sources": ["ham10000", "isic9"], "images": 3, "by_class": {"actinic keratosis": 2, "nevus": 1}}
    ]
    assert found["by_origin"]["vascular lesion"] == {"ham10000": 1, "no other": 2}
    assert counts(found)["of these, not known to be one lesion"] == 1


def test_a_class_of_one_source_is_named(run: tuple[str, dict[str, Any], Path]) -> None:
    _, found, _ = run
    assert {"class": "melanoma", "kind": "source", "of": "ham10000", "images": 1, "total": 1} in found["one_sided"]
    assert {"class": "vascular lesion", "kind": "source", "of": "isic9", "images": 1, "total": 1} in found["one_sided"]


def test_the_page_stands_alone_and_shows_every_pair(run: tuple[str, dict[str, Any], Path]) -> None:
    _, found, out = run
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "//" not in page.replace("<!DOCTYPE", "")
    shown = re.findall(r'src="([^"]+)"', page)
    assert all(re.fullmatch(r"pictures/[0-9a-f]{16}\.jpg", source) and (out / source).is_file() for source in shown)
    claims = sum(len(one["claims"]) for one in [*found["contradictions"], *found["refined"]])
    assert len(shown) == claims + 2 * len(found["same_picture"]) + sum(len(o["files"]) for o in found["other_picture"])
    for one in found["contradictions"]:
        assert one["isic_id"] in page
        assert one["why"].split(":")[1].split(",")[0] in page


def test_a_folder_in_which_nothing_can_be_read_is_audited_too(tmp_path: Path) -> None:
    (tmp_path / "nevus").mkdir()
    (tmp_path / "nevus" / "ISIC_1.jpg").write_text("no photograph")
    result = CliRunner().invoke(app, ["audit", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "ISIC_1.jpg  no image of a known kind" in result.stdout


def test_a_missing_file_and_a_text_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no photograph")
    assert look_at(tmp_path / "none.jpg").why == "no such file"
    assert look_at(tmp_path / "text.jpg").why == "no image of a known kind"


def test_a_camera_is_known_by_its_name_or_else_by_how_its_files_are_made(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "FotoFinder", "Medicam 1000"
    save(lesion(0), tmp_path / "named.jpg", exif=exif)
    save(lesion(0), tmp_path / "fine.jpg", quality=95)
    save(lesion(1), tmp_path / "coarse.jpg", quality=50)
    save(lesion(1), tmp_path / "lossless.png")
    found = {path.stem: look_at(path).camera for path in tmp_path.iterdir()}
    assert found["named"] == "FotoFinder Medicam 1000"
    assert found["fine"].startswith("120 x 120 JPEG, quantised by 2 ")
    assert found["coarse"].startswith("120 x 120 JPEG, quantised by 16 ")
    assert found["lossless"] == camera_of(Image.open(tmp_path / "lossless.png")) == "120 x 120 PNG"
