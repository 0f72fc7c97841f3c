"""The nine diagnoses and how each behaves."""

import pytest

from core import taxonomy
from core.taxonomy import Group


def test_the_nine_and_their_groups() -> None:
    # Spelt out as the field spells them: a name that changes here changes what every stored reading means.
    assert {term.name: str(term.group) for term in taxonomy.TERMS} == {
        "actinic keratosis": "indeterminate",
        "basal cell carcinoma": "malignant",
        "dermatofibroma": "benign",
        "melanoma": "malignant",
        "nevus": "benign",
        "pigmented benign keratosis": "benign",
        "seborrheic keratosis": "benign",
        "squamous cell carcinoma": "malignant",
        "vascular lesion": "benign",
    }


def test_indeterminate_is_never_taken_for_benign() -> None:
    needing = {term.name for term in taxonomy.TERMS if taxonomy.needs_attention(term.name)}
    assert needing == {"actinic keratosis", "basal cell carcinoma", "melanoma", "squamous cell carcinoma"}
    assert taxonomy.term("actinic keratosis").group is Group.INDETERMINATE


def test_terms() -> None:
    assert taxonomy.term("melanoma").isic == "Melanoma, NOS"
    assert taxonomy.term("basal cell carcinoma").title == "Basal cell carcinoma"
    with pytest.raises(KeyError):
        taxonomy.term("Melanoma")
