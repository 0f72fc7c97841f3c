"""The body map of a patient: where each lesion lies, and which state clinicians say that it is in."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from core.body_map import REGIONS, Place
from core.errors import Conflict, Invalid, NotFound
from core.records import audit, clock
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import Image, Lesion, StateOfLesion, Visit
from core.records.terms import Laterality, LesionState


@dataclass(frozen=True)
class MappedLesion:
    """A lesion as the map shows it on a day; `lesion.map_view` is None where nobody has placed it yet."""

    lesion: Lesion
    state: LesionState


@requires(Permission.WRITE_CHART)
def place_lesion(
    database: Database,
    actor: Actor,
    *,
    lesion_id: int,
    place: Place,
    region: str,
    although_elsewhere: bool = False,
) -> Lesion:
    """Put a lesion on the map, or move it there; `region` is the key in REGIONS of what lies at `place`.

    Raises NotFound, Invalid, and Conflict where the region is of another site or side than the lesion was recorded
    with, unless `although_elsewhere` says that somebody has looked.
    """
    check_place(place)
    there = REGIONS.get(region)
    if there is None or there.view != place.view:
        raise Invalid("There is no such place on the body map.", field="place")
    with database.writing() as session:
        lesion = session.get(Lesion, lesion_id, with_for_update=True)
        if lesion is None:
            raise NotFound("There is no such lesion.")
        sides = {lesion.laterality, there.laterality}
        elsewhere = lesion.body_site != there.body_site or sides == {Laterality.LEFT, Laterality.RIGHT}
        if elsewhere and not although_elsewhere:
            raise Conflict(
                f"{lesion.label} is recorded as {lesion.place}. The place chosen is {there.body_site},"
                f" {there.laterality}: {there.words}."
            )
        lesion.map_view, lesion.map_x, lesion.map_y = place.view, place.x, place.y
        audit.record(
            session, actor, "lesion.place", subject_type="lesion", subject_id=lesion_id, patient_id=lesion.patient_id
        )
    return lesion


@requires(Permission.DIAGNOSE)
def set_state(database: Database, actor: Actor, *, lesion_id: int, state: LesionState) -> StateOfLesion:
    """Say which state a lesion is in from now on. Raises NotFound, and Conflict where it is in that state already."""
    with database.writing() as session:
        lesion = session.get(Lesion, lesion_id, with_for_update=True)
        if lesion is None:
            raise NotFound("There is no such lesion.")
        newest = select(StateOfLesion.state).where(StateOfLesion.lesion_id == lesion_id)
        before = session.scalar(newest.order_by(StateOfLesion.id.desc()).limit(1)) or LesionState.NEW
        if before == state:
            raise Conflict(f"{lesion.label} is {state} already.")
        row = StateOfLesion(lesion_id=lesion_id, at=clock.now(), user_id=actor.account(), state=state)
        session.add(row)
        session.flush()
        audit.record(
            session, actor, "lesion.state", subject_type="lesion", subject_id=lesion_id, patient_id=lesion.patient_id
        )
    return row


@requires(Permission.READ_CHART)
def states_of(database: Database, actor: Actor, *, lesion_id: int) -> list[StateOfLesion]:
    """The states that a lesion was said to be in, newest first, with who said so; none means that it is new."""
    query = select(StateOfLesion).where(StateOfLesion.lesion_id == lesion_id).order_by(StateOfLesion.id.desc())
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(StateOfLesion.user))))


@requires(Permission.READ_CHART)
def map_of(database: Database, actor: Actor, *, patient_id: int, as_of: date | None = None) -> list[MappedLesion]:
    """A patient's lesions by number, in the state they are in, in a fixed number of queries.

    With `as_of`, only those that were known by the end of that day where the clinic is, in the state they were in
    then. A lesion was known when it was added, or from its first image on where that was taken at an earlier visit.
    """
    with database.reading() as session:
        query = select(Lesion).where(Lesion.patient_id == patient_id).order_by(Lesion.number)
        found = list(session.scalars(query))
        until = None if as_of is None else _end_of(as_of)
        if until is not None:
            first = _first_images(session, patient_id)
            found = [one for one in found if min(one.created_at, first.get(one.id, one.created_at)) < until]
        states = _states(session, patient_id, until)
    return [MappedLesion(lesion, states.get(lesion.id, LesionState.NEW)) for lesion in found]


def check_place(place: Place) -> None:
    """Raise Invalid where a place lies outside its view."""
    if not (0 <= place.x <= 1 and 0 <= place.y <= 1):
        raise Invalid("That place is not on the body map.", field="place")


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time()).astimezone()


def _first_images(session: Session, patient_id: int) -> dict[int, datetime]:
    query = select(Image.lesion_id, func.min(Visit.at)).join(Image.visit).where(Visit.patient_id == patient_id)
    return dict(session.execute(query.group_by(Image.lesion_id)).all())


def _states(session: Session, patient_id: int, until: datetime | None) -> dict[int, LesionState]:
    query = select(StateOfLesion.lesion_id, StateOfLesion.state).join(Lesion, Lesion.id == StateOfLesion.lesion_id)
    query = query.where(Lesion.patient_id == patient_id).order_by(StateOfLesion.at, StateOfLesion.id)
    if until is not None:
        query = query.where(StateOfLesion.at < until)
    return dict(session.execute(query).all())
