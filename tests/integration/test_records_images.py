"""An image's whole way: from the uploaded file to the kept one, its reading and its heat map; refusals keep nothing."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from PIL import Image as Picture

from core import taxonomy
from core.errors import Conflict, Invalid, LikelyDuplicate, NotFound, UnreadableImage
from core.records import images, readings
from core.records.actor import Actor
from core.records.database import Database
from core.records.images import Intake
from core.records.terms import ImageType
from core.vision.intake import decode
from core.workspace import Workspace
from tests.charts import Charts, lesion_file
from tests.everything import all_rows
from tests.generated import bad_files, good_files


def kept_files(workspace: Workspace) -> list[str]:
    """Every file below the store's folder, those that are being written too."""
    root = workspace.images.root
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_the_whole_way_of_an_image(database: Database, charts: Charts, staff: Actor, workspace: Workspace) -> None:
    patient = charts.patient()
    visit, lesion = charts.visit(patient), charts.lesion(patient)
    start = time.perf_counter()
    added = charts.image(visit, lesion, lesion_file(3, size=600))
    assert time.perf_counter() - start < 3
    image = images.get_image(database, staff, image_id=added.id)
    assert (image.width, image.height, image.image_type) == (600, 600, ImageType.DERMOSCOPIC)
    assert (image.visit.id, image.lesion.id, image.lesion.patient.id) == (visit.id, lesion.id, patient.id)

    store = workspace.images
    pixels = decode(store.get(image.sha256))
    with Picture.open(io.BytesIO(lesion_file(3, size=600))) as uploaded:
        assert pixels.tobytes() == uploaded.convert("RGB").tobytes()
    with Picture.open(io.BytesIO(store.get(image.display_sha256))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (600, 600))

    reading = image.reading
    assert reading is not None
    model = workspace.reader.model_file
    assert reading.model_version == model.version
    assert list(reading.probabilities) == list(model.classes)
    assert sum(reading.probabilities.values()) == pytest.approx(1)
    assert reading.prediction == max(reading.probabilities, key=reading.probabilities.__getitem__)
    attention = sum(p for name, p in reading.probabilities.items() if taxonomy.needs_attention(name))
    assert reading.malignant_probability == pytest.approx(attention)
    assert reading.flagged == (attention >= model.malignant_threshold)
    with Picture.open(io.BytesIO(store.get(reading.overlay_sha256))) as overlay:
        assert (overlay.format, overlay.size) == ("JPEG", (600, 600))


def test_the_heat_map_of_every_class_is_kept_with_the_reading(
    database: Database, charts: Charts, workspace: Workspace
) -> None:
    image = charts.filled()[3]
    reading = image.readings[0]
    live = workspace.reader.read(decode(workspace.images.get(image.sha256)))
    for name in reading.probabilities:
        np.testing.assert_allclose(readings.heat_map_of(reading, name), live.heat_map(name), atol=1e-5)
    with pytest.raises(ValueError, match="freckle"):
        readings.heat_map_of(reading, "freckle")


def test_every_format_is_taken_in(database: Database, charts: Charts) -> None:
    patient = charts.patient()
    visit = charts.visit(patient)
    for name, data in good_files().items():
        # Some hold the very same pixels, so each gets a lesion of its own.
        assert charts.image(visit, charts.lesion(patient), data).readings[0].probabilities, name
    assert len(all_rows(database)["image"]) == len(good_files())


def test_a_file_that_cannot_be_read_keeps_nothing(
    dialect: str, database: Database, charts: Charts, workspace: Workspace
) -> None:
    patient = charts.patient()
    visit, lesion = charts.visit(patient), charts.lesion(patient)
    before, files = all_rows(database), kept_files(workspace)
    some = [data for _, data, _ in bad_files() if len(data) < 2**20]
    for data in some[: len(some) if dialect == "sqlite" else 5]:
        with pytest.raises(UnreadableImage, match=r"\w+ .*\."):
            charts.image(visit, lesion, data)
    assert len(some) > 60
    assert all_rows(database) == before
    assert kept_files(workspace) == files


def test_a_lesion_has_an_image_once(database: Database, charts: Charts, workspace: Workspace) -> None:
    patient, visit, lesion, image = charts.filled()
    again = charts.visit(patient, days_ago=3)
    data = lesion_file(lesion.id, visit=visit.id)
    before, files = all_rows(database), kept_files(workspace)
    as_bitmap = io.BytesIO()
    with Picture.open(io.BytesIO(data)) as picture:
        picture.save(as_bitmap, "BMP")
    for file in (data, as_bitmap.getvalue()):
        with pytest.raises(Conflict, match="This lesion has this image already") as refused:
            charts.image(again, lesion, file)
        assert not isinstance(refused.value, LikelyDuplicate)
    assert all_rows(database) == before
    assert kept_files(workspace) == files
    other = charts.lesion(patient)
    assert charts.image(visit, other, data).sha256 == image.sha256
    assert kept_files(workspace) == files


def test_an_image_of_another_patient_gets_a_loud_warning(
    database: Database, charts: Charts, workspace: Workspace
) -> None:
    owner, visit, lesion, image = charts.filled()
    data = lesion_file(lesion.id, visit=visit.id)
    other = charts.patient(name="Björn Lindqvist")
    visit, lesion = charts.visit(other), charts.lesion(other)
    before, files = all_rows(database), kept_files(workspace)
    with pytest.raises(LikelyDuplicate, match="already in the chart of another patient") as warned:
        charts.image(visit, lesion, data)
    assert warned.value.candidates == [owner.id]
    assert all_rows(database) == before
    assert kept_files(workspace) == files
    added = charts.image(visit, lesion, data, although_elsewhere=True)
    assert added.sha256 == image.sha256
    third = charts.patient(name="Carmen Ortega")
    with pytest.raises(LikelyDuplicate) as warned:
        charts.image(charts.visit(third), charts.lesion(third), data)
    assert sorted(warned.value.candidates) == [owner.id, other.id]


def test_one_file_added_to_several_charts_at_one_moment_is_noticed(database: Database, charts: Charts) -> None:
    people = [charts.patient() for _ in range(6)]
    places = [(charts.visit(patient), charts.lesion(patient)) for patient in people]
    start = Barrier(len(places))

    def add(number: int) -> bool:
        start.wait()
        try:
            charts.image(*places[number], lesion_file(1))
        except LikelyDuplicate:
            return False
        return True

    with ThreadPoolExecutor(len(places)) as pool:
        assert sum(pool.map(add, range(len(places)))) == 1
    assert len(all_rows(database)["image"]) == 1


def test_an_image_belongs_where_visit_and_lesion_are_one_patients(
    database: Database, charts: Charts, staff: Actor, intake: Intake, workspace: Workspace
) -> None:
    first, second = charts.patient(), charts.patient(name="Björn Lindqvist")
    visit, foreign = charts.visit(first), charts.lesion(second)
    before, files = all_rows(database), kept_files(workspace)
    with pytest.raises(Invalid, match="two different patients"):
        charts.image(visit, foreign, lesion_file())
    for visit_id, lesion_id, missing in ((4711, foreign.id, "visit"), (visit.id, 4711, "lesion")):
        with pytest.raises(NotFound, match=f"no such {missing}"):
            images.add_image(
                database,
                staff,
                intake=intake,
                visit_id=visit_id,
                lesion_id=lesion_id,
                data=lesion_file(),
                image_type=ImageType.OVERVIEW,
            )
    assert all_rows(database) == before
    assert kept_files(workspace) == files


def test_every_row_has_its_file_and_tidy_takes_strays_only(
    database: Database,
    charts: Charts,
    administrator: Actor,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        charts.filled()
    stray = workspace.images.put(b"of an upload that was cut off")
    assert images.tidy(database, administrator, store=workspace.images) == []
    monkeypatch.setattr(images, "UPLOAD_TIME", images.UPLOAD_TIME * 0)
    assert images.tidy(database, administrator, store=workspace.images) == [stray]
    with database.reading() as session:
        named = images.named_files(session)
    assert named == set(workspace.images.all())
    assert len(named) == 9
    for sha256 in named:
        workspace.images.get(sha256)
