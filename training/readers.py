"""Readers of the public sets, each in the layout in which it is handed out. All give the same rows.

| layout | recognised by |
| --- | --- |
| HAM10000 | a CSV with the columns image_id and dx |
| ISIC 2017 | a CSV with the columns image_id, melanoma and seborrheic_keratosis; neither of the two means nevus |
| what `isic image download` writes | a CSV with the column isic_id (isic-cli 12.4) |
| nine classes | one folder per class, at any depth (so Train and Test together) |
| a pack (`training.pack`) | the file itself |

The CSV lies in the folder that is given, the images anywhere below it. A row whose file is missing keeps the path where
it should have been, so that an audit names it.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from training.data import ARCHIVE, HAM10000, ISIC9, ISIC2017, Manifest, Row, resolve
from training.labels import CLASSES, HAM10000_CODES, meaning_of_record
from training.pack import is_pack, read_pack

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})

_ID = re.compile(r"ISIC_\d+")
_IMAGE_OF_TABLE = re.compile(r"(ISIC_\d+)(_downsampled)?")
"""The file of an image that a table lists; masks and superpixels have other endings."""


def read_folders(folders: Sequence[Path], *, cache: Path) -> Manifest:
    """The manifest of all that is given. A pack given alone keeps the sides of the split that it brings.

    `cache` is where packs are opened. Raises ValueError for a layout that is not known, and where no image is left.
    """
    if len(folders) == 1 and is_pack(folders[0]):
        return read_pack(folders[0], cache=cache)
    manifest = resolve(row for folder in folders for row in read_folder(folder, cache=cache))
    if not manifest.rows:
        raise ValueError("no images: give at least one of the data folders")
    return manifest


def read_folder(folder: Path, *, cache: Path) -> list[Row]:
    """One row per file of a folder, or of a pack, in one of the layouts above. Raises ValueError for any other."""
    if is_pack(folder):
        return read_pack(folder, cache=cache).rows
    tables = {path: _columns(path) for path in sorted(folder.glob("*.csv"))}
    for needed, read in _TABLES.items():
        found = [path for path, columns in tables.items() if needed <= columns]
        if found:
            files = _images(folder)
            return [row for path in found for row in read(_records(path), folder, files)]
    return read_isic9(folder)


def read_isic9(folder: Path) -> list[Row]:
    """One folder per class. Raises ValueError on an unknown class."""
    rows = []
    for path in _files(folder):
        name = path.parent.name.lower()
        if name not in CLASSES:
            raise ValueError(f"{path.parent} is none of the nine classes, and {folder} holds no table that is known")
        # The second download of a file is "ISIC_0025601(1)", and still the same image.
        named = _ID.match(path.stem)
        isic_id = named.group() if named else path.stem
        rows.append(Row(isic_id, path, ISIC9, isic_id, frozenset({name}), diagnosis=name))
    return rows


def _read_ham10000(records: Iterable[dict[str, str]], folder: Path, files: Mapping[str, Path]) -> Iterator[Row]:
    for record in records:
        yield Row(
            isic_id=record["image_id"],
            path=files.get(record["image_id"], folder / "images" / f"{record['image_id']}.jpg"),
            source=HAM10000,
            lesion_id=record["lesion_id"],
            labels=HAM10000_CODES[record["dx"]],
            age=_number(record["age"]),
            sex=_known(record["sex"]),
            site=_known(record["localization"]),
            confirm_type=record["dx_type"],
            diagnosis=record["dx"],
        )


def _read_isic2017(records: Iterable[dict[str, str]], folder: Path, files: Mapping[str, Path]) -> Iterator[Row]:
    for record in records:
        text, meaning = meaning_of_record(record)
        yield Row(
            isic_id=record["image_id"],
            path=files.get(record["image_id"], folder / "images" / f"{record['image_id']}.jpg"),
            source=ISIC2017,
            lesion_id=record.get("lesion_id") or record["image_id"],
            labels=meaning.classes if meaning else frozenset(),
            age=_number(record.get("age_approx")),
            sex=_known(record.get("sex")),
            site=_known(record.get("anatom_site_general")),
            diagnosis=text,
        )


def _read_archive(records: Iterable[dict[str, str]], folder: Path, files: Mapping[str, Path]) -> Iterator[Row]:
    """The archive's columns depend on what was downloaded: isic_id alone is always there."""
    for record in records:
        text, meaning = meaning_of_record(record)
        sites = (record.get(f"anatom_site_{level}") for level in range(5, 0, -1))
        yield Row(
            isic_id=record["isic_id"],
            path=files.get(record["isic_id"], folder / f"{record['isic_id']}.jpg"),
            source=ARCHIVE,
            lesion_id=record.get("lesion_id") or record["isic_id"],
            labels=meaning.classes if meaning else frozenset(),
            age=_number(record.get("age_approx")),
            sex=_known(record.get("sex")),
            site=_known(record.get("anatom_site_general") or next(filter(None, sites), "")),
            confirm_type=record.get("diagnosis_confirm_type") or "",
            skin_type=record.get("fitzpatrick_skin_type") or "",
            diagnosis=text,
        )


_Reader = Callable[[Iterable[dict[str, str]], Path, Mapping[str, Path]], Iterator[Row]]
_TABLES: dict[frozenset[str], _Reader] = {
    frozenset({"image_id", "dx"}): _read_ham10000,
    frozenset({"image_id", "melanoma", "seborrheic_keratosis"}): _read_isic2017,
    frozenset({"isic_id"}): _read_archive,
}
"""The columns that tell a table, and who reads it."""


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _images(folder: Path) -> dict[str, Path]:
    found = ((_IMAGE_OF_TABLE.fullmatch(path.stem), path) for path in _files(folder))
    return {match.group(1): path for match, path in found if match}


def _columns(path: Path) -> frozenset[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return frozenset(next(csv.reader(file), []))


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def _number(text: str | None) -> float | None:
    """An age, of which the archive writes the highest as "85+"."""
    return float(text.rstrip("+")) if text else None


def _known(text: str | None) -> str:
    return "" if text in (None, "unknown") else str(text)
