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
from core.records.comparisons import compare_images
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


def test_images_of_two_lesions_are_not_compared(charts: Charts, clinician: Actor, intake: Intake) -> None:
    *_, first = charts.filled()
    *_, other = charts.filled()
    with pytest.raises(Invalid, match="different lesions"):
        compare_images(charts.database, clinician, store=intake.store, first_id=first.id, second_id=other.id)
    with pytest.raises(NotFound):
        compare_images(charts.database, clinician, store=intake.store, first_id=first.id, second_id=999)
