"""The nine diagnoses that DermTrail knows, in the ISIC archive's terms.

This is the only place where they are listed. A model file names its outputs with `DiagnosisTerm.name`, in an order
of its own; everything else about a class is looked up here by that name.
"""

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """How a diagnosis behaves. Indeterminate means precancerous, and is never shown as benign."""

    MALIGNANT = "malignant"
    INDETERMINATE = "indeterminate"
    BENIGN = "benign"


@dataclass(frozen=True)
class DiagnosisTerm:
    """One of the nine diagnoses.

    `name` is how DermTrail writes it, `isic` the term of the ISIC archive's hierarchy for the same thing.
    """

    name: str
    isic: str
    group: Group

    @property
    def title(self) -> str:
        """The name as a heading or a label begins with it."""
        return self.name[0].upper() + self.name[1:]


TERMS: tuple[DiagnosisTerm, ...] = (
    DiagnosisTerm("actinic keratosis", "Solar or actinic keratosis", Group.INDETERMINATE),
    DiagnosisTerm("basal cell carcinoma", "Basal cell carcinoma", Group.MALIGNANT),
    DiagnosisTerm("dermatofibroma", "Dermatofibroma", Group.BENIGN),
    DiagnosisTerm("melanoma", "Melanoma, NOS", Group.MALIGNANT),
    DiagnosisTerm("nevus", "Nevus", Group.BENIGN),
    DiagnosisTerm("pigmented benign keratosis", "Pigmented benign keratosis", Group.BENIGN),
    DiagnosisTerm("seborrheic keratosis", "Seborrheic keratosis", Group.BENIGN),
    DiagnosisTerm("squamous cell carcinoma", "Squamous cell carcinoma, NOS", Group.MALIGNANT),
    DiagnosisTerm("vascular lesion", "Vascular", Group.BENIGN),
)

_BY_NAME = {term.name: term for term in TERMS}


def term(name: str) -> DiagnosisTerm:
    """The diagnosis called `name`. Raises KeyError where there is none."""
    return _BY_NAME[name]


def needs_attention(name: str) -> bool:
    """Whether a diagnosis is malignant or indeterminate, the two that a reading must not miss."""
    return term(name).group is not Group.BENIGN
