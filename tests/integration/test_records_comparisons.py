"""Two images of a lesion, one laid over the other by the verb that the page calls."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.registration import displacement
from bench.warps import warped
from core.demo.lesion_images import draw_lesion
from core.errors import Invalid, NotFound
from core.records import comparisons
from core.records.actor import Actor
from core.records.comparisons import compare_images, growth_matrices
from core.records.images import Intake
from tests.charts import Charts


@pytest.fixture
def dialect() -> str:
    """The verb asks nothing that depends on the database."""
    return "sqlite"


def as_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_the_fit_is_in_pixels_of_the_kept_images_and_is_computed_once(
    charts: Charts, clinician: Actor, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw_lesion(seed=6, size=256)
    later = warped(drawn, np.random.default_rng(6), enlarged=4.0)
    patient = charts.patient()
    lesion = charts.lesion(patient)
    first = charts.image(charts.visit(patient, days_ago=90), lesion, as_png(drawn))
    # Larger than the copy that is looked at.
    second = charts.image(charts.visit(patient), lesion, as_png(later.picture))
    ids = {"store": intake.store, "first_id": first.id, "second_id": second.id}
    found = compare_images(charts.database, clinician, **ids)
    assert found.registration.matrix is not None
    assert displacement(found.registration.matrix, later.matrix, drawn.size) < 1

    # What the page draws by: the middle of B, in widths, comes to where the truth puts it in A.
    in_widths = found.in_widths()
    assert in_widths is not None
    middle = later.matrix @ [(1024 - 1) / 2, (1024 - 1) / 2, 1]
    assert (in_widths @ [0.5, 0.5, 1])[:2] == pytest.approx((middle[:2] + 0.5) / 256, abs=0.01)

    monkeypatch.setattr(comparisons, "register", lambda *_: pytest.fail("computed again"))
    again = compare_images(charts.database, clinician, **ids)
    assert np.array_equal(again.registration.matrix, found.registration.matrix)


def test_sizes_compare_only_by_the_skin(charts: Charts, clinician: Actor, intake: Intake) -> None:
    patient = charts.patient()
    before, now = charts.visit(patient, days_ago=90), charts.visit(patient)

    def pair(first: Image.Image, second: Image.Image) -> tuple[int, int]:
        lesion = charts.lesion(patient)
        before_id, now_id = (
            charts.image(visit, lesion, as_png(picture)).id for visit, picture in ((before, first), (now, second))
        )
        return before_id, now_id

    drawn, filling = draw_lesion(seed=6, size=384), draw_lesion(seed=4, size=512).crop((166, 166, 346, 346))
    again = warped(drawn, np.random.default_rng(6), growth=1.2)
    by_lesion = warped(filling, np.random.default_rng(4)).picture
    # Held by the skin, held by the lesion that fills the picture, refused.
    pairs = [pair(drawn, again.picture), pair(filling, by_lesion), pair(drawn, draw_lesion(seed=61, size=384))]
    by_skin, *without = (
        growth_matrices(charts.database, clinician, store=intake.store, first_id=first, other_ids=[second])
        for first, second in pairs
    )
    assert without == [{}, {}]
    fit = compare_images(
        charts.database, clinician, store=intake.store, first_id=pairs[1][0], second_id=pairs[1][1]
    ).registration
    assert fit.accepted and not fit.tells_growth
    assert by_skin.keys() == {pairs[0][1]}
    assert displacement(by_skin[pairs[0][1]], again.matrix, (384, 384)) < 1
    for others, error in (([pairs[1][1]], Invalid), ([9999], NotFound)):
        with pytest.raises(error):
            growth_matrices(charts.database, clinician, store=intake.store, first_id=pairs[0][0], other_ids=others)


def test_images_of_two_lesions_are_not_compared(charts: Charts, clinician: Actor, intake: Intake) -> None:
    *_, first = charts.filled()
    *_, other = charts.filled()
    with pytest.raises(Invalid, match="different lesions"):
        compare_images(charts.database, clinician, store=intake.store, first_id=first.id, second_id=other.id)
    with pytest.raises(NotFound):
        compare_images(charts.database, clinician, store=intake.store, first_id=first.id, second_id=999)
