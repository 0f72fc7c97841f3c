"""Outlines and scales in the records, and the network on drawn lesions."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.demo.lesion_images import draw_lesion
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.records import audit, outlines
from core.records.actor import OPERATOR, Actor
from core.records.database import Database
from core.records.tables import Image, StoredOutline
from core.records.terms import ScaleSource
from core.vision.outline import Outliner, Remark, fill
from core.workspace import Workspace
from tests.charts import Charts
from tests.everything import all_rows

RING = [(20.0, 20.0), (70.0, 20.0), (70.0, 70.0), (20.0, 70.0)]


@pytest.fixture(scope="module")
def outliner() -> Outliner:
    return Outliner(threads=1)


@pytest.fixture
def image(charts: Charts) -> Image:
    patient = charts.patient()
    return charts.image(charts.visit(patient), charts.lesion(patient), drawn(growth=1.0))


def drawn(*, growth: float, visit: int = 0) -> bytes:
    file = io.BytesIO()
    draw_lesion(seed=5, size=256, growth=growth, visit=visit).save(file, "PNG")
    return file.getvalue()


def outline(workspace: Workspace, actor: Actor, image: Image) -> StoredOutline:
    return outlines.outline_of(
        workspace.database, actor, store=workspace.images, outliner=workspace.outliner, image_id=image.id
    )


def correct(workspace: Workspace, actor: Actor, image: Image, **changes: Any) -> StoredOutline:
    given = {"polygon": RING, "seen": None, **changes}
    return outlines.correct_outline(workspace.database, actor, store=workspace.images, image_id=image.id, **given)


def test_a_drawn_lesion_is_found_where_it_is(outliner: Outliner) -> None:
    found = outliner.outline(Picture.open(io.BytesIO(drawn(growth=1.0))).convert("RGB"))
    assert found.remark is None
    rows, columns = np.nonzero(found.mask)
    assert (columns.mean(), rows.mean()) == pytest.approx((128, 128), abs=25)
    assert 0.05 < found.mask.mean() < 0.5


def test_bare_skin_has_no_outline(outliner: Outliner) -> None:
    skin = np.random.default_rng(0).normal((222, 180, 160), 3, size=(300, 400, 3)).clip(0, 255)
    found = outliner.outline(Picture.fromarray(skin.astype(np.uint8)))
    assert (found.remark, found.polygon) == (Remark.NO_LESION, ())
    assert not found.mask.any()


def test_the_first_request_draws_an_outline_and_the_second_finds_it(
    workspace: Workspace, staff: Actor, image: Image
) -> None:
    first = outline(workspace, staff, image)
    assert first.polygon and first.measures["area"][0] > 0
    assert first.model_version == workspace.outliner.file.version
    before = all_rows(workspace.database)
    assert outline(workspace, staff, image).id == first.id
    assert all_rows(workspace.database)["outline"] == before["outline"]


def test_a_correction_supersedes_and_nothing_is_lost(workspace: Workspace, clinician: Actor, image: Image) -> None:
    first = outline(workspace, clinician, image)
    second = correct(workspace, clinician, image, seen=first.id)
    assert (second.supersedes_id, second.user_id, second.model_version) == (first.id, clinician.user_id, None)
    assert outline(workspace, clinician, image).id == second.id
    assert second.measures["area"][0] == fill(RING, size=(256, 256)).sum() == 2500
    assert len(all_rows(workspace.database)["outline"]) == 2
    done = {entry.action for entry in audit.search_audit(workspace.database, OPERATOR)}
    assert {"outline.add", "outline.correct"} <= done


def test_who_corrects_an_outline_that_holds_no_more_is_told(
    workspace: Workspace, clinician: Actor, image: Image
) -> None:
    first = outline(workspace, clinician, image)
    correct(workspace, clinician, image, seen=first.id)
    before = all_rows(workspace.database)
    with pytest.raises(Conflict):
        correct(workspace, clinician, image, seen=first.id)
    assert all_rows(workspace.database) == before


@pytest.mark.parametrize(
    "polygon", [[], RING[:2], [(5.0, 5.0)] * 4, [(float("nan"), 0.0), (9.0, 9.0), (0.0, 9.0)], RING * 300]
)
def test_what_outlines_nothing_is_refused(
    workspace: Workspace, clinician: Actor, image: Image, polygon: list[tuple[float, float]]
) -> None:
    with pytest.raises(Invalid):
        correct(workspace, clinician, image, polygon=polygon)
    assert all_rows(workspace.database)["outline"] == []


def test_staff_look_at_outlines_and_do_not_correct_them(workspace: Workspace, staff: Actor, image: Image) -> None:
    with pytest.raises(NotAllowed):
        correct(workspace, staff, image)


def test_an_image_that_is_not_there_has_no_outline(workspace: Workspace, clinician: Actor, image: Image) -> None:
    image.id = 4711
    for attempt in (outline, correct):
        with pytest.raises(NotFound):
            attempt(workspace, clinician, image)


@pytest.mark.parametrize("statement", ["UPDATE outline SET confidence = 1", "UPDATE image_scale SET mm_per_pixel = 1"])
def test_neither_is_ever_edited(workspace: Workspace, clinician: Actor, image: Image, statement: str) -> None:
    correct(workspace, clinician, image)
    outlines.set_scale(workspace.database, clinician, image_id=image.id, mm_per_pixel=0.02)
    with pytest.raises(DBAPIError, match="append-only"), workspace.database.engine.begin() as connection:
        connection.execute(text(statement))


def test_two_marks_and_a_length_make_a_scale(database: Database, staff: Actor, image: Image) -> None:
    kept = outlines.set_scale_by_marks(
        database, staff, image_id=image.id, marks=[(10.0, 10.0), (70.0, 90.0)], length_mm=5
    )
    assert (kept.mm_per_pixel, kept.source) == (pytest.approx(0.05), ScaleSource.MARKED)
    for marks, length in (([(1.0, 1.0)], 5.0), ([(1.0, 1.0), (2.0, 2.0)], 5.0), ([(0.0, 0.0), (90.0, 0.0)], -5.0)):
        with pytest.raises(Invalid):
            outlines.set_scale_by_marks(database, staff, image_id=image.id, marks=marks, length_mm=length)


def test_a_growth_by_hand_is_a_change_and_the_same_twice_is_none(
    workspace: Workspace, charts: Charts, clinician: Actor
) -> None:
    database = workspace.database
    patient = charts.patient()
    lesion = charts.lesion(patient)
    taken = []
    for day, (growth, visit) in enumerate([(1.0, 0), (1.0, 1), (1.35, 2)]):
        later = charts.visit(patient, days_ago=90 - 30 * day)
        taken.append(charts.image(later, lesion, drawn(growth=growth, visit=visit)))
    for each in taken:
        outline(workspace, clinician, each)
        outlines.set_scale(database, clinician, image_id=each.id, mm_per_pixel=0.02)
    first, same, grown = outlines.measures_of_lesion(database, clinician, lesion_id=lesion.id)
    assert [entry.image.id for entry in (first, same, grown)] == [each.id for each in taken]
    assert first.image.visit.at < same.image.visit.at - timedelta(days=20)
    by_name = {line.name: line for line in outlines.changes_between(first, same)}
    assert by_name["area"].changed is False
    by_name = {line.name: line for line in outlines.changes_between(first, grown)}
    assert by_name["area"].changed is True
    assert by_name["area"].difference is not None and by_name["area"].difference > 0
    # Two scales that somebody has set come before an alignment; with one of them missing, it is the alignment's turn.
    halving = np.diag([0.5, 0.5, 1])
    scaled = {line.name: line for line in outlines.changes_between(first, grown, matrix=halving)}
    assert scaled["area"].second == by_name["area"].second
    unscaled = replace(first, mm_per_pixel=None)
    halved = {line.name: line for line in outlines.changes_between(unscaled, grown, matrix=halving)}
    assert halved["area"].second == pytest.approx(by_name["area"].second / 4, rel=1e-6)
