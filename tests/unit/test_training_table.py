"""Tables of labels as they are handed over."""

from pathlib import Path

import pytest

from training.labels import AKIEC, BKL
from training.table import CONTRADICTION, read_labelled


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Empty files: reading the table opens none of them."""
    for place in ("a/ISIC_1.jpg", "a/deep/ISIC_2.JPEG", "b/ISIC_3.png", "b/ISIC_1.jpg", "b/ISIC_4.txt"):
        path = tmp_path / "images" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "images"


def write(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_images_are_found_at_any_depth_and_everything_else_is_counted(tmp_path: Path, images: Path) -> None:
    table = write(
        tmp_path,
        "\ufeffisic_id,Diagnosis,source,lesion_id,age_approx,sex,anatom_site_general,fitzpatrick_skin_type\n"
        "ISIC_1,Melanoma in situ,clinic,IL_1,45,male,torso,II\n"
        "ISIC_2.jpeg,akiec,,,85+,unknown,,\n"
        "ISIC_3,wart,,,,,,\n"
        "ISIC_4,nevus,,,,,,\n"
        "ISIC_5,,,,,,,\n",
    )
    found = read_labelled(table, images=images, source="mine")
    first, second = found.rows
    assert (first.path, first.labels, first.source) == (images / "a" / "ISIC_1.jpg", {"melanoma"}, "clinic")
    assert (first.lesion_id, first.age, first.sex, first.site, first.skin_type) == ("IL_1", 45.0, "male", "torso", "II")
    assert (second.isic_id, second.labels, second.source, second.lesion_id) == ("ISIC_2", AKIEC, "mine", "ISIC_2")
    assert (second.age, second.sex, second.skin_type) == (None, "", "")
    assert found.mapping == {
        "Melanoma in situ -> melanoma (ISIC archive)": 1,
        "akiec -> actinic keratosis or squamous cell carcinoma (HAM10000)": 1,
    }
    assert found.left_out == {"wart": 1, "(empty)": 1}
    assert found.missing == ["ISIC_4"]


def test_tables_of_ham10000_and_isic2017_are_known_by_their_columns(tmp_path: Path, images: Path) -> None:
    ham10000 = write(
        tmp_path,
        "lesion_id,image_id,dx,dx_type,age,sex,localization\nHAM_7,ISIC_1,bkl,histo,80.0,female,scalp\n",
    )
    (only,) = read_labelled(ham10000, images=images).rows
    assert (only.source, only.labels, only.lesion_id, only.site) == ("ham10000", BKL, "HAM_7", "scalp")
    assert only.confirm_type == "histo"
    isic2017 = write(tmp_path, "image_id,melanoma,seborrheic_keratosis\nISIC_1,0.0,1.0\nISIC_2,0,0\n")
    found = read_labelled(isic2017, images=images).rows
    assert [(one.source, *one.labels) for one in found] == [("isic2017", "seborrheic keratosis"), ("isic2017", "nevus")]
    named = read_labelled(write(tmp_path, "image,diagnosis\nISIC_1,nevus\n", "my clinic.csv"), images=images)
    assert [one.source for one in named.rows] == ["my clinic"]


def test_an_image_under_two_labels_is_used_once_or_not_at_all(tmp_path: Path, images: Path) -> None:
    table = write(tmp_path, "isic_id,diagnosis\nISIC_1,nevus\nISIC_1,nv\nISIC_2,nevus\nISIC_2,melanoma\n")
    found = read_labelled(table, images=images)
    assert [one.isic_id for one in found.rows] == ["ISIC_1"]
    assert found.left_out == {CONTRADICTION: 1}


@pytest.mark.parametrize(
    ("text", "word"), [("name,diagnosis\nISIC_1,nevus\n", "isic_id"), ("isic_id,age\nISIC_1,40\n", "diagnoses")]
)
def test_a_table_without_ids_or_diagnoses_is_refused(tmp_path: Path, images: Path, text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read_labelled(write(tmp_path, text), images=images)
