"""Vocabularies of diagnoses, and what each word means in terms of our nine classes.

A meaning is a set of admissible classes, more than one where the word is coarser than the nine. The words are those of

- our own nine names (`core.taxonomy`),
- the ISIC archive: its former `diagnosis` and its present hierarchy `diagnosis_1` to `diagnosis_5` (isic-metadata),
  where "Nevus, Spitz" is a kind of "Nevus", and a child a kind of its parent,
- HAM10000's seven codes, and ISIC 2019's AK and SCC, which HAM10000 had as one,
- ISIC 2017's three.

Case, spaces, underscores and punctuation do not matter. A word that is not listed has no meaning here, and is never
guessed at: angiofibroma is neither a dermatofibroma nor a vascular lesion, and a lentigo simplex none of the nine.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core import taxonomy

CLASSES: tuple[str, ...] = tuple(term.name for term in taxonomy.TERMS)
"""The nine names, in the order of every matrix of `training`."""

Labels = Mapping[str, frozenset[str]]
"""The labels of a task, each as the set of our classes that it covers."""

AKIEC = frozenset({"actinic keratosis", "squamous cell carcinoma"})
"""HAM10000's akiec: actinic keratosis or intraepithelial carcinoma (Bowen's disease)."""

BKL = frozenset({"pigmented benign keratosis", "seborrheic keratosis"})
"""HAM10000's bkl: seborrheic keratosis, solar lentigo, lichen planus-like keratosis."""

HAM10000_CODES: dict[str, frozenset[str]] = {
    "akiec": AKIEC,
    "bcc": frozenset({"basal cell carcinoma"}),
    "bkl": frozenset({"pigmented benign keratosis"}),
    "df": frozenset({"dermatofibroma"}),
    "mel": frozenset({"melanoma"}),
    "nv": frozenset({"nevus"}),
    "vasc": frozenset({"vascular lesion"}),
}
"""What HAM10000's codes are trained as. The archive calls its bkl "pigmented benign keratosis", and so does the
nine-class set, whose "seborrheic keratosis" comes from elsewhere."""

HAM10000_LABELS: Labels = {**HAM10000_CODES, "bkl": BKL}
"""What HAM10000's codes are measured as: seborrheic keratosis is a right answer for bkl."""

ISIC2017_LABELS: Labels = {name: frozenset({name}) for name in ("melanoma", "nevus", "seborrheic keratosis")}

NINE_LABELS: Labels = {name: frozenset({name}) for name in CLASSES}

_ARCHIVE: dict[str, str] = {
    **{term.isic: term.name for term in taxonomy.TERMS},
    "Melanoma": "melanoma",
    "Malignant melanocytic proliferations (Melanoma)": "melanoma",
    "Melanoma in situ": "melanoma",
    "Melanoma Invasive": "melanoma",
    "Melanoma metastasis": "melanoma",
    "Blue nevus": "nevus",
    "Nevus spilus": "nevus",
    "Solar lentigo": "pigmented benign keratosis",
    "Lichenoid keratosis": "pigmented benign keratosis",
    "Lichen planus like keratosis": "pigmented benign keratosis",
    "Squamous cell carcinoma": "squamous cell carcinoma",
    "Squamous cell carcinoma in situ": "squamous cell carcinoma",
    "Keratoacanthoma": "squamous cell carcinoma",
    "Benign soft tissue proliferations - Vascular": "vascular lesion",
    "Angioma": "vascular lesion",
    "Angiokeratoma": "vascular lesion",
    "Hemangioma": "vascular lesion",
    "Pyogenic granuloma": "vascular lesion",
}
"""The archive's terms. Solar lentigo and lichenoid keratosis are two of the three kinds of HAM10000's bkl, which the
archive calls pigmented benign keratosis; keratoacanthoma is a well differentiated squamous cell carcinoma."""

_ISIC2019_CODES = {"AK": "actinic keratosis", "SCC": "squamous cell carcinoma"}


@dataclass(frozen=True)
class Meaning:
    """What a word says: the classes it admits, and how that was read, for people."""

    classes: frozenset[str]
    how: str


def meaning(text: str) -> Meaning | None:
    """What `text` says in one of the vocabularies, None where none of them has it.

    A path of the archive ("Benign:Benign melanocytic proliferations:Nevus:Nevus, Spitz") is read from its end.
    """
    for part in reversed(text.split(":")):
        words = part.split(",")
        for length in range(len(words), 0, -1):
            found = _MEANINGS.get(_normalise(",".join(words[:length])))
            if found:
                classes, vocabulary = found
                return Meaning(classes, f"{text.strip()} -> {name_of(classes)} ({vocabulary})")
    return None


def meaning_of_record(record: Mapping[str, str]) -> tuple[str, Meaning | None]:
    """The diagnosis of one line of a table, as it is written there, and what it means.

    Read from the first of these that the table has and that is filled in: `diagnosis`; `dx` (HAM10000); `diagnosis_5`
    to `diagnosis_1` (the archive), the most specific that is known; `melanoma` and `seborrheic_keratosis` of 0 or 1,
    neither meaning nevus (ISIC 2017). The text is empty where the table has none of them.
    """
    for column in ("diagnosis", "dx"):
        if text := (record.get(column) or "").strip():
            return text, meaning(text)
    hierarchy = [(record.get(f"diagnosis_{level}") or "").strip() for level in range(1, 6)]
    if any(hierarchy):
        path = ":".join(text for text in hierarchy if text)
        return path, meaning(path)
    melanoma, keratosis = record.get("melanoma"), record.get("seborrheic_keratosis")
    if melanoma and keratosis:
        word = "melanoma" if float(melanoma) else "seborrheic_keratosis" if float(keratosis) else "nevus"
        return word, Meaning(frozenset({word.replace("_", " ")}), f"{word} -> {word.replace('_', ' ')} (ISIC 2017)")
    return "", None


def name_of(classes: Iterable[str]) -> str:
    """How a set of classes is written: "actinic keratosis or squamous cell carcinoma"."""
    return " or ".join(sorted(classes))


def _normalise(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


_MEANINGS: dict[str, tuple[frozenset[str], str]] = {
    **{_normalise(code): (frozenset({name}), "ISIC 2019") for code, name in _ISIC2019_CODES.items()},
    **{code: (classes, "HAM10000") for code, classes in HAM10000_LABELS.items()},
    **{_normalise(term): (frozenset({name}), "ISIC archive") for term, name in _ARCHIVE.items()},
    **{_normalise(name): (frozenset({name}), "one of the nine classes") for name in CLASSES},
}
