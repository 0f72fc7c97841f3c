"""The one manifest that all sources become, and the rules by which their labels are resolved.

Each image is known by its ISIC id and is used once, whatever the number of files that hold it:

1. HAM10000, ISIC 2017 and the ISIC archive are more specific than the nine-class folders, and win over them. The file
   is theirs too: they keep more pixels than the folders' 180 x 180 copies.
2. A label is a set of admissible classes. HAM10000's akiec says {actinic keratosis, squamous cell carcinoma}, and a
   nine-class folder, or the archive, that names one of the two refines it. A folder outside the set is overruled.
3. The specific sources disagreeing, or two nine-class folders with nothing above them, is contradictory: left out.
4. The nine-class folder "seborrheic keratosis" is never believed alone: wherever a second source knows one of its
   images, it is melanoma. Left out.
5. What a specific source calls none of the nine, and what nobody names, is left out.
6. A lesion whose images end with labels that have no class in common is contradictory: left out. A lesion that two
   sources name differently is one lesion: the names are joined through the images that bear both.
7. Two ids that show the same picture (`training.pixels.same_picture`) under labels that have no class in common are
   contradictory: left out.

What was decided of each image, and by which rule, stands in `Manifest.rulings`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ISIC9, HAM10000, ISIC2017, ARCHIVE = "isic9", "ham10000", "isic2017", "isic-archive"
"""Names of the sources, as rows and reports write them."""

LICENCES = {
    ISIC9: "ISIC archive, per image (Kaggle set 'Skin Cancer ISIC')",
    HAM10000: "CC BY-NC 4.0",
    ISIC2017: "ISIC archive, per image (arXiv:1710.05006)",
    ARCHIVE: "ISIC archive, per image (copyright_license in its metadata.csv)",
}

OVERRULED = "nine-class folder overruled"
REFINED = "akiec refined"
TWO_FOLDERS = "left out: two nine-class folders, no other source"
KERATOSIS_ALONE = "left out: seborrheic keratosis folder alone"
SOURCES_DISAGREE = "left out: the specific sources disagree"
NONE_OF_NINE = "left out: none of the nine classes"
LESION_DISAGREES = "left out: images of one lesion disagree"
PICTURE_DISAGREES = "left out: one picture under two ids disagrees"

WHY = {
    OVERRULED: "Rule 1: a source with a label of its own for each image is more specific than a folder, and wins.",
    REFINED: "Rule 2: akiec is actinic keratosis or squamous cell carcinoma, and another source names which.",
    TWO_FOLDERS: "Rule 3: two nine-class folders claim it and no other source knows it.",
    KERATOSIS_ALONE: "Rule 4: wherever a second source knows an image of this folder, it is melanoma.",
    SOURCES_DISAGREE: "Rule 3: the sources that are specific have no class in common.",
    NONE_OF_NINE: "Rule 5: its diagnosis is none of the nine classes, or not known.",
    LESION_DISAGREES: "Rule 6: the images of its lesion have no class in common.",
    PICTURE_DISAGREES: "Rule 7: the same picture stands under another id with another label.",
}
"""Each rule that decides something, as a sentence."""


@dataclass(frozen=True)
class Row:
    """One image under the label that one source, or after `resolve` all sources together, give it.

    `labels` are the classes of `core.taxonomy` that the image may belong to, one unless the source is coarser, none
    where the source names none of the nine; `diagnosis` is its own word.
    `lesion_id` is the ISIC id where the source knows of no lesion. `age` is in years, None where unknown; `sex`,
    `site`, `confirm_type` and `skin_type` (Fitzpatrick's) are the source's own words, empty where unknown.
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
    skin_type: str = ""
    diagnosis: str = ""


@dataclass(frozen=True)
class Ruling:
    """What was decided of one image.

    Attributes:
        claims: the image as each file of it was read.
        labels: the admissible classes it ends with; none where it is left out.
        rules: those that decided something, keys of `WHY`; none where all claims agree.
    """

    isic_id: str
    claims: tuple[Row, ...]
    labels: frozenset[str]
    rules: tuple[str, ...] = ()

    @property
    def contradictory(self) -> bool:
        """Whether two of the claims have no class in common."""
        said = [row.labels for row in self.claims if row.labels or row.diagnosis]
        return len(said) > 1 and not frozenset.intersection(*said)


@dataclass(frozen=True)
class Manifest:
    """The resolved rows, by ISIC id, and what was decided of every image.

    `sides` gives each ISIC id its side of the split where that was settled elsewhere, as in a pack; else it is empty.
    """

    rows: list[Row]
    rulings: list[Ruling] = field(default_factory=list)
    sides: Mapping[str, str] = field(default_factory=dict)

    @property
    def decisions(self) -> dict[str, int]:
        """How often each rule decided something."""
        return dict(Counter(rule for ruling in self.rulings for rule in ruling.rules))


def resolve(rows: Iterable[Row]) -> Manifest:
    """Bring the rows of all sources down to one per image, by all rules at the head of this module but the last."""
    claims: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        claims[row.isic_id].append(row)
    lesions = _join_lesions(claims.values())
    rulings = [_rule(isic_id, tuple(of_one)) for isic_id, of_one in sorted(claims.items())]
    common: dict[str, frozenset[str]] = {}
    for ruling in rulings:
        if ruling.labels:
            lesion = lesions[ruling.claims[0].lesion_id]
            common[lesion] = common.get(lesion, ruling.labels) & ruling.labels
    torn = {lesion for lesion, labels in common.items() if not labels}
    rulings = [
        _leave_out(ruling, LESION_DISAGREES)
        if ruling.labels and lesions[ruling.claims[0].lesion_id] in torn
        else ruling
        for ruling in rulings
    ]
    kept = [replace(_best(ruling.claims), labels=ruling.labels) for ruling in rulings if ruling.labels]
    return Manifest([replace(row, lesion_id=lesions[row.lesion_id]) for row in kept], rulings)


def resolve_pictures(manifest: Manifest, pairs: Iterable[tuple[int, int]]) -> Manifest:
    """Apply the last rule: `pairs` are rows of the manifest, by number, that show the same picture."""
    rows = manifest.rows
    torn = {rows[index].isic_id for pair in pairs if not rows[pair[0]].labels & rows[pair[1]].labels for index in pair}
    return Manifest(
        [row for row in rows if row.isic_id not in torn],
        [_leave_out(one, PICTURE_DISAGREES) if one.isic_id in torn else one for one in manifest.rulings],
        manifest.sides,
    )


def _rule(isic_id: str, claims: tuple[Row, ...]) -> Ruling:
    folders = frozenset[str]().union(*(row.labels for row in claims if row.source == ISIC9))
    specific = [row for row in claims if row.source != ISIC9 and (row.labels or row.diagnosis)]
    if not specific:
        return Ruling(isic_id, claims, *_rule_on_folders(folders))
    labels = frozenset.intersection(*(row.labels for row in specific))
    if not labels:
        named = all(row.labels for row in specific)
        return Ruling(isic_id, claims, labels, (SOURCES_DISAGREE if named else NONE_OF_NINE,))
    rules = [OVERRULED] if folders - labels else []
    if len(labels) > 1 and len(folders & labels) == 1:
        labels &= folders
    if any(row.labels > labels for row in specific):
        rules.append(REFINED)
    return Ruling(isic_id, claims, labels, tuple(rules))


def _rule_on_folders(folders: frozenset[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The labels and the rules for an image that only nine-class folders know."""
    if not folders:
        return folders, (NONE_OF_NINE,)
    if len(folders) > 1:
        return frozenset(), (TWO_FOLDERS,)
    if folders == {"seborrheic keratosis"}:
        return frozenset(), (KERATOSIS_ALONE,)
    return folders, ()


def _best(claims: tuple[Row, ...]) -> Row:
    """The row whose file and whose facts are taken: of the most specific source."""
    return min(claims, key=lambda row: (HAM10000, ISIC2017, ARCHIVE, ISIC9).index(row.source))


def _leave_out(ruling: Ruling, rule: str) -> Ruling:
    return replace(ruling, labels=frozenset(), rules=(*ruling.rules, rule))


def _join_lesions(images: Iterable[list[Row]]) -> dict[str, str]:
    """For each lesion's name the one that stands for all that are joined with it through an image."""
    first: dict[str, str] = {}

    def root(name: str) -> str:
        while first.setdefault(name, name) != name:
            name = first[name]
        return name

    for claims in images:
        for row in claims:
            pair = root(claims[0].lesion_id), root(row.lesion_id)
            low, high = sorted(pair, key=lambda name: (name.startswith("ISIC_"), name))
            first[high] = low
    return {name: root(name) for name in first}
