"""Readers of the public sets, and the one manifest that they become.

How labels are resolved (each image is known by its ISIC id, and used once whatever the number of sources that hold it):

1. HAM10000 and ISIC 2017 are more specific than the nine-class folders, and win over them. The file is theirs too: they
   keep more pixels than the folders' 180 x 180 copies.
2. A label is a set of admissible classes. HAM10000's akiec says {actinic keratosis, squamous cell carcinoma}, and a
   nine-class folder that names exactly one of the two refines it. A folder outside the set is overruled.
3. HAM10000 and ISIC 2017 disagreeing, or two nine-class folders with nothing above them, is contradictory: left out.
4. The nine-class folder "seborrheic keratosis" is never believed alone: wherever a second source knows one of its
   images, it is melanoma. Left out.
5. A lesion whose images end with labels that have no class in common is contradictory: left out.

What each rule did is counted in `Manifest.decisions`.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from core import taxonomy

ISIC9, HAM10000, ISIC2017 = "isic9", "ham10000", "isic2017"
"""Names of the sources, as rows and reports write them."""

LICENCES = {
    ISIC9: "ISIC archive, per image (Kaggle set 'Skin Cancer ISIC')",
    HAM10000: "CC BY-NC 4.0",
    ISIC2017: "ISIC archive, per image (arXiv:1710.05006)",
}

AKIEC = frozenset({"actinic keratosis", "squamous cell carcinoma"})
HAM10000_CODES: dict[str, frozenset[str]] = {
    "akiec": AKIEC,
    "bcc": frozenset({"basal cell carcinoma"}),
    "bkl": frozenset({"pigmented benign keratosis"}),
    "df": frozenset({"dermatofibroma"}),
    "mel": frozenset({"melanoma"}),
    "nv": frozenset({"nevus"}),
    "vasc": frozenset({"vascular lesion"}),
}
CLASSES: tuple[str, ...] = tuple(term.name for term in taxonomy.TERMS)


@dataclass(frozen=True)
class Row:
    """One image under the label that one source, or after `resolve` all sources together, give it.

    `labels` are the classes of `core.taxonomy` that the image may belong to, one unless the source is coarser.
    `lesion_id` is the ISIC id where the source knows of no lesion. `age` is in years, None where unknown; `sex`, `site`
    and `confirm_type` are the source's own words, empty where unknown.
    """

    isic_id: str
    path: Path
    source: str
    lesion_id: str
    labels: frozenset[str]
    age: float | None = None
    sex: str = ""
    site: str = ""
    confirm_type: str = ""


@dataclass(frozen=True)
class Manifest:
    """The resolved rows, by ISIC id, and how often each rule decided something."""

    rows: list[Row]
    decisions: dict[str, int] = field(default_factory=dict)


def read_isic9(folder: Path) -> list[Row]:
    """One folder per class (at any depth, so Train and Test together). Raises ValueError on an unknown class."""
    rows = []
    for path in sorted(folder.rglob("ISIC_*.jpg")):
        name = path.parent.name.lower()
        if name not in CLASSES:
            raise ValueError(f"{path.parent.name} is none of the nine classes")
        rows.append(Row(path.stem, path, ISIC9, path.stem, frozenset({name})))
    return rows


def read_ham10000(folder: Path) -> list[Row]:
    """`images/` and HAM10000_metadata.csv: lesion_id, image_id, dx, dx_type, age, sex, localization."""
    return [
        Row(
            isic_id=entry["image_id"],
            path=folder / "images" / f"{entry['image_id']}.jpg",
            source=HAM10000,
            lesion_id=entry["lesion_id"],
            labels=HAM10000_CODES[entry["dx"]],
            age=_number(entry["age"]),
            sex=_known(entry["sex"]),
            site=_known(entry["localization"]),
            confirm_type=entry["dx_type"],
        )
        for entry in _records(folder / "HAM10000_metadata.csv")
    ]


def read_isic2017(folder: Path) -> list[Row]:
    """`images/` and metadata.csv, whose columns melanoma and seborrheic_keratosis are 0 or 1; neither means nevus."""
    return [
        Row(
            isic_id=entry["image_id"],
            path=folder / "images" / f"{entry['image_id']}.jpg",
            source=ISIC2017,
            lesion_id=entry["lesion_id"] or entry["image_id"],
            labels=frozenset({_isic2017_class(entry)}),
            age=_number(entry["age_approx"]),
            sex=_known(entry["sex"]),
            site=_known(entry["anatom_site_general"]),
        )
        for entry in _records(folder / "metadata.csv")
    ]


def resolve(rows: Iterable[Row]) -> Manifest:
    """Bring the rows of all sources down to one per image, by the rules at the head of this module."""
    decisions: Counter[str] = Counter()
    claims: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        claims[row.isic_id].append(row)
    resolved = [_resolve_image(of_one, decisions) for _, of_one in sorted(claims.items())]
    kept = [row for row in resolved if row is not None]
    return Manifest(_drop_contradictory_lesions(kept, decisions), dict(decisions))


def read_all(*, isic9: Path | None, ham10000: Path | None, isic2017: Path | None) -> Manifest:
    """The manifest of the sets at hand. Raises ValueError where there is not one, or where nothing is left."""
    rows: list[Row] = []
    if isic9:
        rows += read_isic9(isic9)
    if ham10000:
        rows += read_ham10000(ham10000)
    if isic2017:
        rows += read_isic2017(isic2017)
    manifest = resolve(rows)
    if not manifest.rows:
        raise ValueError("no images: give at least one of the data folders")
    return manifest


def _resolve_image(claims: list[Row], decisions: Counter[str]) -> Row | None:
    """One row for all that is claimed of one image, or None where it is left out."""
    folders = frozenset[str]().union(*(row.labels for row in claims if row.source == ISIC9))
    specific = [row for row in claims if row.source != ISIC9]
    if not specific:
        if len(folders) > 1:
            decisions["left out: two nine-class folders, no other source"] += 1
            return None
        if folders == {"seborrheic keratosis"}:
            decisions["left out: seborrheic keratosis folder alone"] += 1
            return None
        return claims[0]
    labels = frozenset.intersection(*(row.labels for row in specific))
    if not labels:
        decisions["left out: HAM10000 and ISIC 2017 disagree"] += 1
        return None
    if folders - labels:
        decisions["nine-class folder overruled"] += 1
    refined = folders & labels
    if len(labels) > 1 and len(refined) == 1:
        decisions["akiec refined by a nine-class folder"] += 1
        labels = refined
    return replace(specific[0], labels=labels)


def _drop_contradictory_lesions(rows: list[Row], decisions: Counter[str]) -> list[Row]:
    common: dict[str, frozenset[str]] = {}
    for row in rows:
        common[row.lesion_id] = common.get(row.lesion_id, row.labels) & row.labels
    kept = [row for row in rows if common[row.lesion_id]]
    if len(kept) < len(rows):
        decisions["left out: images of one lesion disagree"] += len(rows) - len(kept)
    return kept


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _isic2017_class(entry: dict[str, str]) -> str:
    if float(entry["melanoma"]):
        return "melanoma"
    return "seborrheic keratosis" if float(entry["seborrheic_keratosis"]) else "nevus"


def _number(text: str) -> float | None:
    return float(text) if text else None


def _known(text: str) -> str:
    return "" if text == "unknown" else text
