"""Agreement with what was confirmed: which diagnoses and readings count, and what is counted of them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from core import taxonomy
from core.proportion import Proportion
from core.records import agreement, clock, judgements
from core.records.actor import Actor
from core.records.agreement import Agreement, Case, ConfirmedCases, Per, confirmed_cases
from core.records.database import Database
from core.records.tables import Image, Lesion, StoredReading
from core.records.terms import ConfirmType
from tests.charts import Charts


@pytest.fixture
def image(charts: Charts) -> Image:
    """An image whose readings are the model's own, by a version of the name below, and older than any other here."""
    return charts.filled()[-1]


def read(database: Database, image: Image, prediction: str, *, days_ago: float = 1, version: str = "net-1",
         malignant: float | None = None) -> None:  # fmt: skip
    """Add a reading as it was made so many days ago."""
    probability = malignant if malignant is not None else 0.9 if taxonomy.needs_attention(prediction) else 0.1
    with database.writing() as session:
        session.add(
            StoredReading(
                image_id=image.id,
                at=clock.now() - timedelta(days=days_ago),
                model_version=version,
                prediction=prediction,
                probabilities={prediction: 1.0},
                malignant_probability=probability,
                flagged=probability >= 0.5,
                maps=b"",
                overlay_sha256="0" * 64,
            )
        )


def confirm(database: Database, actor: Actor, lesion_id: int, name: str,
            confirm_type: ConfirmType = ConfirmType.HISTOPATHOLOGY) -> None:  # fmt: skip
    judgements.record_diagnosis(database, actor, lesion_id=lesion_id, name=name, confirm_type=confirm_type)


def cases(database: Database, actor: Actor, **more: Any) -> ConfirmedCases:
    return confirmed_cases(database, actor, **{"model_version": "net-1", **more})


def test_only_what_does_not_rest_on_a_look_counts_as_confirmed(
    database: Database, charts: Charts, clinician: Actor, image: Image
) -> None:
    read(database, image, "nevus")
    for kind in (ConfirmType.SINGLE_CONTRIBUTOR, ConfirmType.EXPERT_CONSENSUS):
        confirm(database, clinician, image.lesion_id, "nevus", kind)
        assert cases(database, clinician).cases == []
    for kind in (ConfirmType.SERIAL_IMAGING, ConfirmType.CONFOCAL, ConfirmType.HISTOPATHOLOGY):
        confirm(database, clinician, image.lesion_id, "melanoma", kind)
        (case,) = cases(database, clinician).cases
        assert (case.truth, case.prediction, case.confirm_type) == ("melanoma", "nevus", kind)
    # A later look by eye leaves what was confirmed, and a later confirmation replaces it.
    confirm(database, clinician, image.lesion_id, "scar", ConfirmType.SINGLE_CONTRIBUTOR)
    assert cases(database, clinician).cases[0].truth == "melanoma"
    confirm(database, clinician, image.lesion_id, "Nevus")
    assert cases(database, clinician).cases[0].truth == "nevus"


def test_the_reading_is_the_newest_before_the_diagnosis(
    database: Database, charts: Charts, clinician: Actor, image: Image
) -> None:
    read(database, image, "melanoma", days_ago=9)
    read(database, image, "nevus", days_ago=2)
    confirm(database, clinician, image.lesion_id, "melanoma")
    read(database, image, "melanoma", days_ago=-1)
    found = cases(database, clinician)
    assert [case.prediction for case in found.cases] == ["nevus"]
    assert (found.no_reading, found.other_names) == (0, 0)
    never_read, unknown = charts.filled()[-1], charts.filled()[-1]
    confirm(database, clinician, never_read.lesion_id, "nevus")
    confirm(database, clinician, unknown.lesion_id, "lentigo maligna of old")
    found = cases(database, clinician)
    assert (len(found.cases), found.no_reading, found.other_names) == (1, 1, 1)


def test_versions_are_kept_apart_and_lesions_from_images(database: Database, charts: Charts, clinician: Actor) -> None:
    patient, _, lesion, first = charts.filled()
    second = charts.image(charts.visit(patient, days_ago=30), lesion)
    read(database, first, "nevus")
    read(database, second, "melanoma")
    read(database, second, "dermatofibroma", version="net-2")
    confirm(database, clinician, lesion.id, "melanoma")
    assert [case.prediction for case in cases(database, clinician).cases] == ["melanoma"]
    assert {case.prediction for case in cases(database, clinician, per=Per.IMAGE).cases} == {"nevus", "melanoma"}
    assert [case.prediction for case in cases(database, clinician, model_version="net-2").cases] == ["dermatofibroma"]
    together = cases(database, clinician, model_version=None)
    assert [case.prediction for case in together.cases] == ["dermatofibroma"]
    assert {"net-1": 1, "net-2": 1}.items() <= together.versions.items()
    assert cases(database, clinician, model_version="net-9").cases == []


def test_it_takes_two_queries_however_many_cases(database: Database, charts: Charts, clinician: Actor) -> None:
    lesions: list[Lesion] = []
    for _ in range(3):
        *_, lesion, image = charts.filled()
        read(database, image, "nevus")
        confirm(database, clinician, lesion.id, "nevus")
        lesions.append(lesion)
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *details: seen.append(details[2]))
    assert len(cases(database, clinician).cases) == len(lesions)
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 2


def case(truth: str, prediction: str, malignant: float, *, days_ago: int = 0) -> Case:
    read_at = clock.now() - timedelta(days=days_ago)
    histopathology = ConfirmType.HISTOPATHOLOGY
    return Case(1, "L1", 1, truth, histopathology, prediction, malignant, malignant >= 0.5, "net-1", read_at)


def test_the_figures() -> None:
    made = [
        case("melanoma", "melanoma", 0.95),
        case("melanoma", "nevus", 0.3),
        case("actinic keratosis", "basal cell carcinoma", 0.9),
        case("nevus", "nevus", 0.05),
        case("nevus", "melanoma", 0.6, days_ago=70),
    ]
    found = Agreement(made)
    assert (found.sensitivity, found.specificity, found.same_class) == (
        Proportion(2, 3), Proportion(1, 2), Proportion(2, 5),
    )  # fmt: skip
    assert found.confusion["melanoma", "nevus"] == 1
    assert found.missed == [made[1]]
    bins = agreement.calibration(made)
    assert [(one.low, one.observed.count, one.observed.of) for one in bins] == [
        (0.0, 0, 1), (0.2, 1, 1), (0.6, 0, 1), (0.8, 2, 2),
    ]  # fmt: skip
    assert bins[-1].said == pytest.approx(0.925)
    months = agreement.by_month(made)
    assert len(months) == 2 and months[0][1].cases == [made[4]]
    assert agreement.calibration([case("nevus", "nevus", 1.0)])[0].high == 1.0
