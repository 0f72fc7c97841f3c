"""What the words of each vocabulary mean."""

import pytest

from training.labels import AKIEC, BKL, CLASSES, meaning, meaning_of_record


@pytest.mark.parametrize("name", CLASSES)
def test_the_nine_names_mean_themselves_however_they_are_written(name: str) -> None:
    for text in (name, name.upper(), name.replace(" ", "_"), name.title().replace(" ", "  "), f" {name} "):
        found = meaning(text)
        assert found is not None and found.classes == {name}


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("akiec", AKIEC),
        ("bkl", BKL),
        ("NV", {"nevus"}),
        ("seborrheic_keratosis", {"seborrheic keratosis"}),
        ("AK", {"actinic keratosis"}),
        ("Melanoma, NOS", {"melanoma"}),
        ("Melanoma in situ, Lentigo maligna type", {"melanoma"}),
        ("Nevus, Atypical, Dysplastic, or Clark", {"nevus"}),
        ("Basal cell carcinoma, Nodular", {"basal cell carcinoma"}),
        ("Solar or actinic keratosis", {"actinic keratosis"}),
        ("Squamous cell carcinoma, Invasive, Acantholytic", {"squamous cell carcinoma"}),
        ("solar lentigo", {"pigmented benign keratosis"}),
        ("lichenoid keratosis", {"pigmented benign keratosis"}),
        ("Benign:Benign melanocytic proliferations:Nevus:Blue nevus:Blue nevus, Common", {"nevus"}),
    ],
)
def test_words_of_the_archive_and_the_challenges(text: str, classes: frozenset[str]) -> None:
    found = meaning(text)
    assert found is not None and found.classes == classes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "benign",
        "malignant",
        "other",
        "angiofibroma or fibrous papule",
        "atypical melanocytic proliferation",
        "lentigo simplex",
        "epidermal nevus",
        "Benign:Benign melanocytic proliferations:Lentigo simplex",
        "Malignant:Malignant soft tissue proliferations - Vascular:Kaposi sarcoma",
        "no melanoma",
    ],
)
def test_words_that_are_none_of_the_nine_are_not_guessed_at(text: str) -> None:
    assert meaning(text) is None


def test_it_says_how_a_word_was_read() -> None:
    found = meaning("akiec")
    assert found is not None
    assert found.how == "akiec -> actinic keratosis or squamous cell carcinoma (HAM10000)"


def test_a_line_of_a_table_is_read_from_whichever_columns_it_has() -> None:
    def classes(**record: str) -> frozenset[str] | None:
        found = meaning_of_record(record)[1]
        return found.classes if found else None

    assert classes(diagnosis="nevus", dx="mel") == {"nevus"}
    assert classes(diagnosis="", dx="mel") == {"melanoma"}
    assert classes(diagnosis_1="Benign", diagnosis_2="x", diagnosis_3="Nevus", diagnosis_4="Nevus of a new kind") == {
        "nevus"
    }
    assert classes(diagnosis_1="Malignant", diagnosis_2="", diagnosis_3="") is None
    assert classes(melanoma="1.0", seborrheic_keratosis="0.0") == {"melanoma"}
    assert classes(melanoma="0", seborrheic_keratosis="1") == {"seborrheic keratosis"}
    assert classes(melanoma="0", seborrheic_keratosis="0") == {"nevus"}
    assert classes(benign_malignant="benign") is None
    assert meaning_of_record({"diagnosis": "wart"}) == ("wart", None)
