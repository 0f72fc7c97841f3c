"""The forms that put a visit and an image's lesion right, as people meet them."""

from core.records import clock, lesions, visits
from core.records.actor import OPERATOR, Actor
from core.records.terms import Role
from dashboard import navigation
from tests.charts import Charts
from tests.integration.test_pages import (
    Sit,
    dialect,
    errors,
    fill,
    in_order,
    opened,
    people,
    press,
    said,
    served,
    sit,
    widget,
)

__all__ = ["dialect", "people", "served", "sit"]


def test_a_visit_is_edited_where_it_is_looked_at(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    patient = charts.patient()
    visit = charts.visit(patient, reason="Skin chek")
    sit(people[Role.STAFF])
    app = opened(navigation.VISIT, id=visit.id)
    fill(app, Reason=" ")
    app = press(app, "Save the visit")
    assert errors(app) == ["What is the visit for? The reason is missing."]
    fill(app, Reason="Skin check", Notes="Both arms.")
    app = press(app, "Save the visit")
    in_order(app)
    assert "**Skin check** · No clinician yet" in said(app) and "Both arms." in said(app)
    found = visits.get_visit(charts.database, OPERATOR, visit_id=visit.id)
    assert (found.reason, found.notes, found.at) == ("Skin check", "Both arms.", visit.at)
    history = opened(navigation.PATIENT, id=patient.id)
    (changes,) = [frame.value for frame in history.dataframe]
    assert list(changes["Before"]) == ["–", "Skin chek"] and list(changes["After"]) == ["Both arms.", "Skin check"]


def test_whoever_is_late_is_told_and_may_begin_again(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    visit = charts.visit(charts.patient())
    sit(people[Role.STAFF])
    app = opened(navigation.VISIT, id=visit.id)
    visits.edit_visit(charts.database, OPERATOR, visit_id=visit.id, seen=visit, at=visit.at, reason="Theirs")
    fill(app, Reason="Mine")
    app = press(app, "Save the visit")
    assert errors(app) == ["Somebody else changed this visit while you were editing. Nothing of yours was saved."]
    app = press(app, "Begin again")
    in_order(app)
    fill(app, Reason="Both")
    in_order(press(app, "Save the visit"))
    assert visits.get_visit(charts.database, OPERATOR, visit_id=visit.id).reason == "Both"


def test_an_image_is_moved_to_the_lesion_that_it_shows(people: dict[Role, Actor], charts: Charts, sit: Sit) -> None:
    patient, visit, wrong, image = charts.filled()
    sit(people[Role.STAFF])
    app = opened(navigation.VISIT, id=visit.id)
    assert "There is no image to move, or no other lesion." in said(app)
    right = charts.lesion(patient, description="below the shoulder blade")
    app.run()
    fill(app, Image=image.id)
    app.run()
    assert widget(app.button, "Move the image").disabled
    fill(app, It_shows=right.id)
    app.run()
    app = press(app, "Move the image")
    in_order(app)
    assert "The image is one of L2 now." in said(app)
    assert "L2 through time, diagnosis and recall" in said(app)
    assert lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=wrong.id) == []
    (moved,) = lesions.images_of_lesion(charts.database, OPERATOR, lesion_id=right.id)
    assert moved.id == image.id and moved.visit.at <= clock.now()
