"""Readers and the rules by which contradictory labels are resolved."""

from pathlib import Path

import pytest

from training.data import (
    AKIEC,
    HAM10000,
    ISIC9,
    ISIC2017,
    Row,
    read_all,
    read_ham10000,
    read_isic9,
    read_isic2017,
    resolve,
)


def row(isic_id: str, source: str, *labels: str, lesion: str | None = None) -> Row:
    return Row(isic_id, Path(source) / f"{isic_id}.jpg", source, lesion or isic_id, frozenset(labels))


def write_isic9(folder: Path, *places: str) -> Path:
    for place in places:
        path = folder / f"{place}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_isic9_reads_the_class_from_the_folder_at_any_depth(tmp_path: Path) -> None:
    write_isic9(tmp_path, "Train/nevus/ISIC_1", "Test/basal cell carcinoma/ISIC_2")
    assert {(r.isic_id, *r.labels) for r in read_isic9(tmp_path)} == {
        ("ISIC_1", "nevus"),
        ("ISIC_2", "basal cell carcinoma"),
    }


def test_isic9_refuses_a_folder_that_is_no_class(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wart"):
        read_isic9(write_isic9(tmp_path, "Train/wart/ISIC_1"))


def test_ham10000_reads_every_column(tmp_path: Path) -> None:
    (tmp_path / "HAM10000_metadata.csv").write_text(
        "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
        "HAM_1,ISIC_1,akiec,histo,80.0,male,scalp\n"
        "HAM_2,ISIC_2,bkl,consensus,,unknown,unknown\n"
    )
    first, second = read_ham10000(tmp_path)
    assert first == Row(
        "ISIC_1", tmp_path / "images" / "ISIC_1.jpg", HAM10000, "HAM_1", AKIEC, 80.0, "male", "scalp", "histo"
    )
    assert (second.labels, second.age, second.sex, second.site) == ({"pigmented benign keratosis"}, None, "", "")


def test_isic2017_calls_neither_a_nevus_and_gives_an_unknown_lesion_the_image_as_its_own(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(
        "image_id,split,melanoma,seborrheic_keratosis,lesion_id,age_approx,sex,anatom_site_general\n"
        "ISIC_1,train,0,0,,30.0,female,posterior torso\n"
        "ISIC_2,train,1,0,IL_7,,,\n"
        "ISIC_3,val,0.0,1.0,IL_8,55.0,male,head/neck\n"
    )
    assert [(*r.labels, r.lesion_id, r.age) for r in read_isic2017(tmp_path)] == [
        ("nevus", "ISIC_1", 30.0),
        ("melanoma", "IL_7", None),
        ("seborrheic keratosis", "IL_8", 55.0),
    ]


@pytest.mark.parametrize("folder", ["actinic keratosis", "squamous cell carcinoma"])
def test_a_nine_class_folder_refines_akiec(folder: str) -> None:
    manifest = resolve([row("ISIC_1", ISIC9, folder), row("ISIC_1", HAM10000, *AKIEC, lesion="HAM_1")])
    (only,) = manifest.rows
    assert (only.labels, only.source, only.lesion_id) == ({folder}, HAM10000, "HAM_1")
    assert manifest.decisions == {"akiec refined by a nine-class folder": 1}


def test_akiec_stays_a_set_where_no_folder_or_both_folders_speak() -> None:
    both = [row("ISIC_2", ISIC9, name) for name in sorted(AKIEC)]
    manifest = resolve([row("ISIC_1", HAM10000, *AKIEC), *both, row("ISIC_2", HAM10000, *AKIEC)])
    assert [r.labels for r in manifest.rows] == [AKIEC, AKIEC]


def test_nevus_and_actinic_keratosis_of_one_image_end_as_ham10000_says() -> None:
    claims = [row("ISIC_1", ISIC9, "nevus"), row("ISIC_1", ISIC9, "actinic keratosis")]
    manifest = resolve([*claims, row("ISIC_1", HAM10000, *AKIEC)])
    assert [r.labels for r in manifest.rows] == [{"actinic keratosis"}]
    assert manifest.decisions["nine-class folder overruled"] == 1


def test_melanoma_and_seborrheic_keratosis_of_one_image_end_as_isic2017_says() -> None:
    claims = [row("ISIC_1", ISIC9, "melanoma"), row("ISIC_1", ISIC9, "seborrheic keratosis")]
    assert [r.labels for r in resolve([*claims, row("ISIC_1", ISIC2017, "melanoma")]).rows] == [{"melanoma"}]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (
            [row("ISIC_1", ISIC9, "melanoma"), row("ISIC_1", ISIC9, "seborrheic keratosis")],
            "left out: two nine-class folders, no other source",
        ),
        ([row("ISIC_1", ISIC9, "seborrheic keratosis")], "left out: seborrheic keratosis folder alone"),
        (
            [row("ISIC_1", HAM10000, "nevus"), row("ISIC_1", ISIC2017, "melanoma")],
            "left out: HAM10000 and ISIC 2017 disagree",
        ),
    ],
)
def test_what_stays_contradictory_is_left_out_and_counted(claims: list[Row], reason: str) -> None:
    manifest = resolve([*claims, row("ISIC_9", ISIC9, "nevus")])
    assert [r.isic_id for r in manifest.rows] == ["ISIC_9"]
    assert manifest.decisions == {reason: 1}


def test_a_lesion_whose_images_disagree_is_left_out() -> None:
    manifest = resolve(
        [
            row("ISIC_1", HAM10000, "nevus", lesion="HAM_1"),
            row("ISIC_2", HAM10000, "melanoma", lesion="HAM_1"),
            row("ISIC_3", HAM10000, *AKIEC, lesion="HAM_2"),
            row("ISIC_4", HAM10000, "actinic keratosis", lesion="HAM_2"),
        ]
    )
    assert [r.isic_id for r in manifest.rows] == ["ISIC_3", "ISIC_4"]
    assert manifest.decisions == {"left out: images of one lesion disagree": 2}


def test_no_folder_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no images"):
        read_all(isic9=None, ham10000=None, isic2017=None)
