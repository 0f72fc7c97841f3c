"""A folder of images and a table of their labels, as somebody hands them over to be measured on."""

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.data import HAM10000, ISIC2017, Row
from training.labels import meaning_of_record

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic"})

CONTRADICTION = "(one image under labels that have no class in common)"
"""Stands among the words that left images out."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "isic_id": ("isic_id", "image_id", "image"),
    "lesion_id": ("lesion_id",),
    "source": ("source",),
    "age": ("age", "age_approx"),
    "sex": ("sex",),
    "site": ("site", "anatom_site_general", "anatom_site_1", "localization"),
    "confirm_type": ("confirm_type", "diagnosis_confirm_type", "dx_type"),
    "skin_type": ("fitzpatrick_skin_type", "skin_type"),
}
"""What we call a column, and what the archive, HAM10000 and ISIC 2017 do; the first that is filled in is taken."""


@dataclass(frozen=True)
class Labelled:
    """Images that were found under labels that are known.

    Attributes:
        rows: one per image, in the table's order.
        mapping: how each word was read (`training.labels.Meaning.how`), and on how many images.
        left_out: words of unknown meaning, and how many images each left out.
        missing: ids without a file.
    """

    rows: list[Row]
    mapping: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def read_labelled(table: Path, *, images: Path, source: str = "") -> Labelled:
    """Read a CSV with a column of ids (isic_id, image_id or image) and one that `meaning_of_record` reads.

    An image is the first file below `images`, in the order of paths, that is called by its id. `source` is what the
    source is called where the table has no such column; HAM10000's and ISIC 2017's own tables are known by theirs, and
    another is called as its file. Raises ValueError where the table has no column of ids or of diagnoses.
    """
    files: dict[str, Path] = {}
    for path in sorted(images.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            files.setdefault(path.stem, path)
    with table.open(newline="", encoding="utf-8-sig") as file:
        records = [
            {name.strip().lower(): text or "" for name, text in line.items() if name} for line in csv.DictReader(file)
        ]
    if records and not any(_cell(record, "isic_id") for record in records):
        raise ValueError(f"{table.name} has no column isic_id, image_id or image")
    if records and not any(meaning_of_record(record)[0] for record in records):
        raise ValueError(f"{table.name} has no column of diagnoses that is known: diagnosis, dx, diagnosis_1 ...")

    columns = records[0].keys() if records else ()
    if not source:
        source = HAM10000 if "dx" in columns else ISIC2017 if "seborrheic_keratosis" in columns else table.stem
    rows: dict[str, Row] = {}
    mapping: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    missing: list[str] = []
    contradictory: set[str] = set()
    for record in records:
        isic_id = _without_suffix(_cell(record, "isic_id"))
        word, found = meaning_of_record(record)
        if found is None:
            left_out[word or "(empty)"] += 1
        elif isic_id not in files:
            missing.append(isic_id)
        elif isic_id not in rows:
            rows[isic_id] = _row(record, path=files[isic_id], labels=found.classes, source=source)
            mapping[found.how] += 1
        elif not rows[isic_id].labels & found.classes:
            contradictory.add(isic_id)
    if contradictory:
        left_out[CONTRADICTION] = len(contradictory)
    kept = [row for isic_id, row in rows.items() if isic_id not in contradictory]
    return Labelled(kept, dict(sorted(mapping.items())), dict(sorted(left_out.items())), missing)


def _row(record: Mapping[str, str], *, path: Path, labels: frozenset[str], source: str) -> Row:
    isic_id, age = path.stem, _cell(record, "age")
    return Row(
        isic_id=isic_id,
        path=path,
        source=_cell(record, "source") or source,
        lesion_id=_cell(record, "lesion_id") or isic_id,
        labels=labels,
        age=float(age) if re.fullmatch(r"\d+(\.\d+)?", age) else None,
        sex=_cell(record, "sex"),
        site=_cell(record, "site"),
        confirm_type=_cell(record, "confirm_type"),
        skin_type=_cell(record, "skin_type"),
    )


def _without_suffix(name: str) -> str:
    path = Path(name)
    return path.stem if path.suffix.lower() in SUFFIXES else name


def _cell(record: Mapping[str, str], name: str) -> str:
    """The text under whatever this column is called, empty where it is not known."""
    texts = ((record.get(column) or "").strip() for column in _COLUMNS[name])
    return next((text for text in texts if text and text.lower() not in {"unknown", "nan"}), "")
