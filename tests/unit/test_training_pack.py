"""A pack gives back what went into it: rows, sides of the split, and pictures near enough."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.demo.lesion_images import draw_lesion
from training.__main__ import app
from training.data import HAM10000, ISIC9, Row
from training.pack import read_pack, write_pack
from training.pixels import load_pixels
from training.readers import read_folder, read_folders
from training.run import Sample


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    found = []
    for number, split in enumerate(("train", "val", "test")):
        path = tmp_path / f"ISIC_{number}.png"
        draw_lesion(seed=number, size=120).save(path)
        source, lesion = (HAM10000, "HAM_1") if number else (ISIC9, "ISIC_0")
        row = Row(
            *(f"ISIC_{number}", path, source, lesion, frozenset({"nevus", "melanoma"} if number else {"nevus"})),
            *(50.0 + number, "female", "back", "histo", "II", "nv"),
        )
        found.append(Sample(row, split))
    return found


def test_rows_sides_and_pictures_come_back(samples: list[Sample], tmp_path: Path) -> None:
    file = tmp_path / "all.pack"
    write_pack(samples, file, decisions={"a rule": 2}, size=64)
    manifest = read_folders([file], cache=tmp_path / "cache")
    assert manifest.sides == {"ISIC_0": "train", "ISIC_1": "val", "ISIC_2": "test"}
    for row, sample in zip(manifest.rows, samples, strict=True):
        assert row == sample.row.__class__(**{**vars(sample.row), "path": row.path})
        with Image.open(row.path) as image:
            assert image.size == (64, 64)
    kept, given = (load_pixels(rows, size=64).astype(float) for rows in (manifest.rows, [s.row for s in samples]))
    assert np.abs(kept - given).mean() < 5
    assert [row.isic_id for row in read_folder(file, cache=tmp_path / "cache")] == list(manifest.sides)


def test_a_pack_is_opened_once_and_another_of_the_same_name_anew(samples: list[Sample], tmp_path: Path) -> None:
    file, cache = tmp_path / "all.pack", tmp_path / "cache"
    write_pack(samples, file, decisions={})
    first = read_pack(file, cache=cache)
    written = {row.path: row.path.stat().st_mtime_ns for row in first.rows}
    assert {row.path: row.path.stat().st_mtime_ns for row in read_pack(file, cache=cache).rows} == written
    write_pack(samples[:1], file, decisions={})
    assert [row.isic_id for row in read_pack(file, cache=cache).rows] == ["ISIC_0"]


def test_another_zip_is_refused(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("letter.txt", "to the clinic")
    with pytest.raises(ValueError, match="no pack"):
        read_pack(tmp_path / "other.zip", cache=tmp_path / "cache")


def test_the_command_packs_folders_and_a_pack_of_a_pack_keeps_its_sides(tmp_path: Path) -> None:
    for number in range(12):
        path = tmp_path / "set" / "nevus" / f"ISIC_{number:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_lesion(seed=number, size=96).save(path)
    first, second, cache = tmp_path / "first.pack", tmp_path / "second.pack", tmp_path / "cache"
    for given, out in ((tmp_path / "set", first), (first, second)):
        arguments = ["pack", str(given), "--out", str(out), "--size", "48", "--cache", str(cache)]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        assert "12 images" in result.stdout
    sides = read_pack(first, cache=cache).sides
    assert sorted(sides.values()) == ["test"] + ["train"] * 10 + ["val"]
    assert read_pack(second, cache=cache).sides == sides
