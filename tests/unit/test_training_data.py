"""Readers and the rules by which contradictory labels are resolved."""

from pathlib import Path

import pytest

from training.data import ARCHIVE, HAM10000, ISIC9, ISIC2017, Row, resolve, resolve_pictures
from training.labels import AKIEC
from training.readers import read_folder, read_folders


def row(isic_id: str, source: str, *labels: str, lesion: str | None = None, diagnosis: str = "") -> Row:
    path = Path(source) / f"{isic_id}.jpg"
    return Row(isic_id, path, source, lesion or isic_id, frozenset(labels), diagnosis=diagnosis)


def write_isic9(folder: Path, *places: str) -> Path:
    for place in places:
        path = folder / f"{place}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_isic9_reads_the_class_from_the_folder_at_any_depth(tmp_path: Path) -> None:
    write_isic9(tmp_path, "Train/nevus/ISIC_1", "Test/basal cell carcinoma/ISIC_2")
    assert {(r.isic_id, *r.labels) for r in read_folder(tmp_path, cache=tmp_path)} == {
        ("ISIC_1", "nevus"),
        ("ISIC_2", "basal cell carcinoma"),
    }


def test_isic9_refuses_a_folder_that_is_no_class(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wart"):
        read_folder(write_isic9(tmp_path, "Train/wart/ISIC_1"), cache=tmp_path)


def test_a_second_download_of_a_file_is_the_same_image(tmp_path: Path) -> None:
    write_isic9(tmp_path, "nevus/ISIC_0025601", "nevus/ISIC_0025601(1)")
    assert [r.isic_id for r in read_folder(tmp_path, cache=tmp_path)] == ["ISIC_0025601"] * 2
    assert len(read_folders([tmp_path], cache=tmp_path).rows) == 1


def test_ham10000_reads_every_column(tmp_path: Path) -> None:
    (tmp_path / "HAM10000_metadata.csv").write_text(
        "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
        "HAM_1,ISIC_1,akiec,histo,80.0,male,scalp\n"
        "HAM_2,ISIC_2,bkl,consensus,,unknown,unknown\n"
    )
    first, second = read_folder(tmp_path, cache=tmp_path)
    assert first == Row(
        *("ISIC_1", tmp_path / "images" / "ISIC_1.jpg", HAM10000, "HAM_1", AKIEC),
        *(80.0, "male", "scalp", "histo"),
        diagnosis="akiec",
    )
    assert (second.labels, second.age, second.sex, second.site) == ({"pigmented benign keratosis"}, None, "", "")


def test_isic2017_calls_neither_a_nevus_and_gives_an_unknown_lesion_the_image_as_its_own(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(
        "image_id,split,melanoma,seborrheic_keratosis,lesion_id,age_approx,sex,anatom_site_general\n"
        "ISIC_1,train,0,0,,30.0,female,posterior torso\n"
        "ISIC_2,train,1,0,IL_7,,,\n"
        "ISIC_3,val,0.0,1.0,IL_8,55.0,male,head/neck\n"
    )
    assert [(*r.labels, r.lesion_id, r.age) for r in read_folder(tmp_path, cache=tmp_path)] == [
        ("nevus", "ISIC_1", 30.0),
        ("melanoma", "IL_7", None),
        ("seborrheic keratosis", "IL_8", 55.0),
    ]


def test_the_archives_download_is_read_in_its_own_terms(tmp_path: Path) -> None:
    """The columns that isic-cli 12.4 writes: three that are always there, then those that any of the images has."""
    (tmp_path / "metadata.csv").write_text(
        "isic_id,attribution,copyright_license,age_approx,anatom_site_1,anatom_site_2,anatom_site_general,"
        "diagnosis_1,diagnosis_2,diagnosis_3,diagnosis_confirm_type,fitzpatrick_skin_type,image_type,lesion_id,sex\n"
        "ISIC_1,MSK,CC-0,45,Trunk,Back,,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma in situ,"
        "histopathology,III,dermoscopic,IL_7,female\n"
        "ISIC_2,MSK,CC-BY,85+,,,head/neck,Benign,,,,,,,\n"
        "ISIC_3,MSK,CC-BY,,,,,,,,,,,,\n",
        encoding="utf-8",
    )
    (tmp_path / "ISIC_1.png").touch()
    first, second, third = read_folder(tmp_path, cache=tmp_path)
    assert first == Row(
        *("ISIC_1", tmp_path / "ISIC_1.png", ARCHIVE, "IL_7", frozenset({"melanoma"})),
        *(45.0, "female", "Back", "histopathology", "III"),
        diagnosis="Malignant:Malignant melanocytic proliferations (Melanoma):Melanoma in situ",
    )
    assert (second.labels, second.age, second.site, second.lesion_id) == (frozenset(), 85.0, "head/neck", "ISIC_2")
    assert (third.labels, third.diagnosis) == (frozenset(), "")


def test_images_of_a_table_are_found_wherever_they_lie_and_masks_are_not_taken_for_them(tmp_path: Path) -> None:
    (tmp_path / "HAM10000_metadata.csv").write_text(
        "lesion_id,image_id,dx,dx_type,age,sex,localization\nHAM_1,ISIC_1,nv,histo,,,\n"
    )
    for place in ("part_2/ISIC_1.JPG", "masks/ISIC_1_segmentation.png"):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).touch()
    assert [r.path for r in read_folder(tmp_path, cache=tmp_path)] == [tmp_path / "part_2" / "ISIC_1.JPG"]


@pytest.mark.parametrize("folder", ["actinic keratosis", "squamous cell carcinoma"])
def test_a_nine_class_folder_refines_akiec(folder: str) -> None:
    manifest = resolve([row("ISIC_1", ISIC9, folder), row("ISIC_1", HAM10000, *AKIEC, lesion="HAM_1")])
    (only,) = manifest.rows
    assert (only.labels, only.source, only.lesion_id) == ({folder}, HAM10000, "HAM_1")
    assert manifest.decisions == {"akiec refined": 1}


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
            "left out: the specific sources disagree",
        ),
        ([row("ISIC_1", ARCHIVE, diagnosis="lentigo simplex")], "left out: none of the nine classes"),
        (
            [row("ISIC_1", ISIC9, "nevus"), row("ISIC_1", ARCHIVE, diagnosis="lentigo simplex")],
            "left out: none of the nine classes",
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


def test_an_archive_row_without_a_diagnosis_says_nothing() -> None:
    manifest = resolve([row("ISIC_1", ISIC9, "nevus"), row("ISIC_1", ARCHIVE, lesion="IL_1")])
    assert [(r.source, r.labels, r.lesion_id) for r in manifest.rows] == [(ARCHIVE, {"nevus"}, "IL_1")]
    assert manifest.decisions == {}
    assert not manifest.rulings[0].contradictory


def test_the_archive_refines_akiec() -> None:
    claims = [row("ISIC_1", HAM10000, *AKIEC), row("ISIC_1", ARCHIVE, "squamous cell carcinoma")]
    manifest = resolve(claims)
    assert [r.labels for r in manifest.rows] == [{"squamous cell carcinoma"}]
    assert manifest.decisions == {"akiec refined": 1}


def test_a_lesion_that_two_sources_name_differently_is_one() -> None:
    manifest = resolve(
        [
            row("ISIC_1", HAM10000, "nevus", lesion="HAM_1"),
            row("ISIC_1", ARCHIVE, "nevus", lesion="IL_1"),
            row("ISIC_2", ARCHIVE, "nevus", lesion="IL_1"),
            row("ISIC_3", ARCHIVE, "nevus", lesion="IL_3"),
        ]
    )
    assert [r.lesion_id for r in manifest.rows] == ["HAM_1", "HAM_1", "IL_3"]


def test_one_picture_under_two_ids_that_disagree_is_left_out() -> None:
    manifest = resolve([row(f"ISIC_{n}", ISIC2017, label) for n, label in enumerate(("nevus", "melanoma", "nevus"))])
    torn = resolve_pictures(manifest, [(0, 1)])
    assert [r.isic_id for r in torn.rows] == ["ISIC_2"]
    assert torn.decisions == {"left out: one picture under two ids disagrees": 2}
    assert resolve_pictures(manifest, [(0, 2)]) == manifest


def test_every_claim_and_the_decision_on_it_can_be_looked_up() -> None:
    claims = (row("ISIC_1", ISIC9, "nevus"), row("ISIC_1", ISIC9, "actinic keratosis"), row("ISIC_1", HAM10000, *AKIEC))
    (ruling,) = resolve(claims).rulings
    assert ruling.claims == claims
    assert ruling.contradictory
    assert ruling.labels == {"actinic keratosis"}
    assert ruling.rules == ("nine-class folder overruled", "akiec refined")


def test_no_folder_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no images"):
        read_folders([], cache=tmp_path)
