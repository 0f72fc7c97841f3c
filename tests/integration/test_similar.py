"""Similar cases: the nearest by features of the same model, without the lesion itself, whatever the index missed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core.errors import NotFound, Unavailable
from core.records import audit, clock, judgements, lesions, similar
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.erasure import erase_patient
from core.records.images import Intake
from core.records.similar import SimilarCases, similar_cases
from core.records.tables import Image
from core.records.terms import ConfirmType
from core.vision.similar import Features, Mark, SimilarIndex, normalised, packed, unpacked
from tests.charts import Charts, lesion_file
from tests.features import give_features

VERSION = "net-2"
SIDE = 64

Search = Callable[..., SimilarCases]


@pytest.fixture
def index(tmp_path: Path) -> SimilarIndex:
    return SimilarIndex(tmp_path / "similar")


def turned(degrees: float) -> Features:
    """Features at an angle to those of zero degrees."""
    features = np.zeros(SIDE, dtype=np.float32)
    features[0], features[1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return features * 7


@pytest.fixture
def add(database: Database, charts: Charts) -> Callable[..., Image]:
    """Adds an image with features at an angle, of a lesion of a patient of its own unless one is given."""

    def added(degrees: float, *, of: Image | None = None, version: str = VERSION) -> Image:
        patient = charts.patient()
        lesion = charts.lesion(patient)
        visit = charts.visit(patient)
        data = lesion_file(lesion.id)
        if of is not None:
            whole = of.lesion
            visit, lesion = of.visit, whole
            data = lesion_file(1000 + round(degrees))
        image = charts.image(visit, lesion, data=data)
        image.lesion, image.visit = lesion, visit
        give_features(database, image.id, turned(degrees), model_version=version)
        return image

    return added


@pytest.fixture
def search(database: Database, clinician: Actor, index: SimilarIndex) -> Search:
    def searched(image: Image, **more: object) -> SimilarCases:
        arguments = {"index": index, "model_version": VERSION, "image_id": image.id, **more}
        return similar_cases(database, clinician, **arguments)  # type: ignore[arg-type]

    return searched


def ids(found: SimilarCases) -> list[int]:
    return [case.image.id for case in found.cases]


def test_features_are_kept_in_half_precision_and_of_length_one() -> None:
    features = np.random.default_rng(3).random(1280, dtype=np.float32)
    data = packed(features)
    assert len(data) == 2560
    assert np.allclose(unpacked(data), features / np.linalg.norm(features), atol=1e-4)
    assert not normalised(np.zeros(5)).any()


def test_the_most_alike_come_first_and_the_lesion_itself_not_at_all(add: Callable[..., Image], search: Search) -> None:
    asked = add(0)
    add(1, of=asked)
    near, nearer, far = add(20), add(10), add(80)
    found = search(asked)
    assert ids(found) == [nearer.id, near.id, far.id]
    assert found.missing == 0
    assert [case.similarity for case in found.cases] == pytest.approx(
        [np.cos(np.radians(degrees)) for degrees in (10, 20, 80)], abs=2e-3
    )
    assert ids(search(asked, count=1)) == [nearer.id]


def test_a_lesion_is_one_case_by_its_most_alike_image(add: Callable[..., Image], search: Search) -> None:
    asked = add(0)
    one = add(30)
    closer = add(12, of=one)
    assert ids(search(asked)) == [closer.id]


def test_another_lesion_of_the_same_patient_is_said_to_be(
    database: Database, charts: Charts, add: Callable[..., Image], search: Search
) -> None:
    asked, stranger = add(0), add(5)
    other = charts.lesion(lesions.get_lesion(database, OPERATOR, lesion_id=asked.lesion_id).patient)
    image = charts.image(asked.visit, other, data=lesion_file(77))
    give_features(database, image.id, turned(9), model_version=VERSION)
    assert [(case.image.id, case.same_patient) for case in search(asked).cases] == [
        (stranger.id, False),
        (image.id, True),
    ]


def test_the_confirmed_diagnosis_goes_before_a_later_look(
    database: Database, clinician: Actor, add: Callable[..., Image], search: Search
) -> None:
    asked, confirmed, looked_at, bare = add(0), add(10), add(5), add(7)

    def diagnose(image: Image, name: str, kind: ConfirmType) -> None:
        judgements.record_diagnosis(database, clinician, lesion_id=image.lesion_id, name=name, confirm_type=kind)

    diagnose(confirmed, "melanoma", ConfirmType.HISTOPATHOLOGY)
    diagnose(confirmed, "scar", ConfirmType.SINGLE_CONTRIBUTOR)
    diagnose(looked_at, "nevus", ConfirmType.EXPERT_CONSENSUS)
    names = {case.image.id: case.diagnosis.name if case.diagnosis else None for case in search(asked).cases}
    assert names == {confirmed.id: "melanoma", looked_at.id: "nevus", bare.id: None}
    assert ids(search(asked, confirmed_only=True)) == [confirmed.id]


def test_images_that_arrive_are_found_and_other_models_features_never(
    add: Callable[..., Image], search: Search, index: SimilarIndex
) -> None:
    asked = add(0)
    assert ids(search(asked)) == []
    add(3, version="net-1")
    late = add(15)
    assert ids(search(asked)) == [late.id]
    # The next model begins anew.
    newer = add(0, version="net-3")
    with pytest.raises(Unavailable):
        search(asked, model_version="net-3")
    other = add(15, version="net-3")
    assert ids(search(newer, model_version="net-3")) == [other.id]
    assert index.mark is not None and index.mark.model_version == "net-3"
    assert len(index) == 2


def test_the_index_is_put_away_and_taken_out_and_built_anew_where_it_is_damaged(
    add: Callable[..., Image], search: Search, index: SimilarIndex, tmp_path: Path
) -> None:
    asked, near = add(0), add(10)
    search(asked)
    again = SimilarIndex(tmp_path / "similar")
    assert (len(again), again.mark) == (2, index.mark)
    assert ids(search(asked, index=again)) == [near.id]
    # What came after it was put away is taken in.
    late = add(5)
    assert ids(search(asked, index=again)) == [late.id, near.id]
    file = tmp_path / "similar" / "index.usearch"
    file.write_bytes(file.read_bytes()[:-7])
    damaged = SimilarIndex(tmp_path / "similar")
    assert (len(damaged), damaged.mark) == (0, None)
    assert ids(search(asked, index=damaged)) == [late.id, near.id]
    (tmp_path / "similar" / "mark.json").unlink()
    assert len(SimilarIndex(tmp_path / "similar")) == 0


def test_an_image_that_is_gone_is_not_shown_and_a_wrong_entry_does_no_harm(
    database: Database,
    add: Callable[..., Image],
    search: Search,
    index: SimilarIndex,
    administrator: Actor,
    intake: Intake,
    tmp_path: Path,
) -> None:
    asked, near, gone = add(0), add(10), add(5)
    assert ids(search(asked)) == [gone.id, near.id]
    patient = lesions.get_lesion(database, OPERATOR, lesion_id=gone.lesion_id).patient
    erase_patient(
        database,
        administrator,
        store=intake.store,
        # That of another process: this one's index is not told.
        similar=SimilarIndex(tmp_path / "elsewhere"),
        patient_id=patient.id,
        confirmed_number=patient.record_number,
    )
    assert ids(search(asked)) == [near.id]
    # The index has an image that is no more, and features of one that was there before under an id: the records decide.
    mark = index.mark
    assert mark is not None
    index.add([gone.id, near.id], np.array([turned(5), turned(0)]), mark)
    (case,) = search(asked).cases
    assert case.similarity == pytest.approx(np.cos(np.radians(10)), abs=2e-3)


def test_after_a_restore_the_index_begins_anew(
    database: Database, add: Callable[..., Image], search: Search, index: SimilarIndex
) -> None:
    asked, near = add(0), add(10)
    search(asked)
    index.add([4711], turned(1)[None], Mark(VERSION, "", 99_999))
    index.save()
    with database.writing() as session:
        audit.record(session, OPERATOR, "records.restore")
    assert ids(search(asked)) == [near.id]
    assert len(index) == len(SimilarIndex(index.folder)) == 2
    # Nothing of a patient who is erased stays on the disk either.
    index.clear()
    assert list(index.folder.iterdir()) == []


def test_many_are_taken_in_a_part_at_a_time(
    database: Database, add: Callable[..., Image], search: Search, index: SimilarIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "BATCH", 2)
    monkeypatch.setattr(similar, "OVERLAP", 0)
    asked, *others = [add(degrees) for degrees in (0, 10, 20, 30, 40)]
    assert similar.catch_up(database, index, model_version=VERSION) == 3
    similar.catch_up_in_background(database, index, model_version=VERSION).join(30)
    assert len(index) == 5
    assert ids(search(asked)) == [image.id for image in others]


def test_whose_charts_were_looked_at_stands_in_the_trail_once(add: Callable[..., Image], search: Search,
    database: Database) -> None:  # fmt: skip
    asked, *others = [add(degrees) for degrees in (0, 10, 20)]
    for _ in range(2):
        search(asked)
    looks = audit.search_audit(database, OPERATOR, action="similar.look")
    assert {look.patient_id for look in looks} == {image.lesion.patient_id for image in others}
    assert len(looks) == 2
    assert clock.now() - looks[0].at < timedelta(minutes=5)


def test_what_cannot_be_compared_is_said(charts: Charts, search: Search) -> None:
    *_, image = charts.filled()
    with pytest.raises(Unavailable, match="no reading by the current model"):
        search(image)
    image.id = 4711
    with pytest.raises(NotFound):
        search(image)
