"""Lesions: add one to a patient, look at it and all that belongs to it."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from core.body_map import Place
from core.errors import NotFound
from core.records import audit, clock, texts
from core.records.actor import Actor, Permission, requires
from core.records.body_map import check_place
from core.records.database import Database
from core.records.tables import Diagnosis, Image, Lesion, Patient, Recall, StateOfLesion, StoredReading, Visit
from core.records.terms import BodySite, Laterality, LesionState

LONGEST_DESCRIPTION = 200


@dataclass(frozen=True)
class LesionSummary:
    """A lesion as a list shows it: `images` counts its images, `latest` is the one taken last."""

    lesion: Lesion
    images: int
    latest: Image | None
    state: LesionState
    diagnosis: Diagnosis | None
    recall: Recall | None


@requires(Permission.WRITE_CHART)
def add_lesion(
    database: Database,
    actor: Actor,
    *,
    patient_id: int,
    body_site: BodySite,
    laterality: Laterality | None = None,
    description: str | None = None,
    place: Place | None = None,
) -> Lesion:
    """Add a lesion, at its `place` on the body map where that is known; it gets the next number within its patient.

    Raises Invalid, NotFound.
    """
    if place is not None:
        check_place(place)
    description = texts.one_line(description, field="description", longest=LONGEST_DESCRIPTION)
    with database.writing() as session:
        # The lock on the patient keeps two lesions added at one moment from taking the same number.
        if session.get(Patient, patient_id, with_for_update=True) is None:
            raise NotFound("There is no such patient.")
        last = session.scalar(select(func.max(Lesion.number)).where(Lesion.patient_id == patient_id)) or 0
        lesion = Lesion(
            patient_id=patient_id,
            number=last + 1,
            body_site=body_site,
            laterality=laterality,
            description=description,
            map_view=place.view if place else None,
            map_x=place.x if place else None,
            map_y=place.y if place else None,
            created_at=clock.now(),
        )
        session.add(lesion)
        session.flush()
        audit.record(session, actor, "lesion.add", subject_type="lesion", subject_id=lesion.id, patient_id=patient_id)
    return lesion


@requires(Permission.READ_CHART)
def get_lesion(database: Database, actor: Actor, *, lesion_id: int) -> Lesion:
    """One lesion with its patient. Raises NotFound."""
    with database.reading() as session:
        lesion = session.scalar(select(Lesion).where(Lesion.id == lesion_id).options(joinedload(Lesion.patient)))
    if lesion is None:
        raise NotFound("There is no such lesion.")
    audit.record_look(database, actor, "patient.look", patient_id=lesion.patient_id)
    return lesion


@requires(Permission.READ_CHART)
def list_lesions(database: Database, actor: Actor, *, patient_id: int) -> list[Lesion]:
    """A patient's lesions by number, without what belongs to them."""
    with database.reading() as session:
        return list(session.scalars(select(Lesion).where(Lesion.patient_id == patient_id).order_by(Lesion.number)))


@requires(Permission.READ_CHART)
def lesions_of(database: Database, actor: Actor, *, patient_id: int) -> list[LesionSummary]:
    """A patient's lesions by number, in a fixed number of queries."""
    lesions = select(Lesion).where(Lesion.patient_id == patient_id).order_by(Lesion.number)
    # Counted and ranked by the database: of a patient's images, a list shows one a lesion.
    newest_first = func.row_number().over(partition_by=Image.lesion_id, order_by=(Visit.at.desc(), Image.id.desc()))
    ranked = (
        select(Image.id, newest_first.label("rank"), func.count().over(partition_by=Image.lesion_id).label("images"))
        .join(Image.visit)
        .where(Visit.patient_id == patient_id)
        .subquery()
    )
    latest = (
        select(Image, ranked.c.images)
        .join(ranked, ranked.c.id == Image.id)
        .where(ranked.c.rank == 1)
        .options(
            joinedload(Image.visit),
            joinedload(Image.lesion),
            selectinload(Image.readings).defer(StoredReading.maps),
        )
    )
    states = select(StateOfLesion).join(Lesion, Lesion.id == StateOfLesion.lesion_id)
    states = states.where(Lesion.patient_id == patient_id).order_by(StateOfLesion.at, StateOfLesion.id)
    diagnoses = select(Diagnosis).join(Lesion).where(Lesion.patient_id == patient_id).order_by(Diagnosis.id)
    recalls = select(Recall).join(Lesion).where(Lesion.patient_id == patient_id, Recall.closed_at.is_(None))
    with database.reading() as session:
        found = list(session.scalars(lesions))
        shown = {image.lesion_id: (image, count) for image, count in session.execute(latest)}
        # The later of two overwrites the earlier.
        state = {row.lesion_id: row.state for row in session.scalars(states)}
        diagnosis = {row.lesion_id: row for row in session.scalars(diagnoses.options(joinedload(Diagnosis.user)))}
        recall = {row.lesion_id: row for row in session.scalars(recalls)}
    return [
        LesionSummary(
            lesion=lesion,
            images=shown[lesion.id][1] if lesion.id in shown else 0,
            latest=shown[lesion.id][0] if lesion.id in shown else None,
            state=state.get(lesion.id, LesionState.NEW),
            diagnosis=diagnosis.get(lesion.id),
            recall=recall.get(lesion.id),
        )
        for lesion in found
    ]


@requires(Permission.READ_CHART)
def images_of_lesion(database: Database, actor: Actor, *, lesion_id: int) -> list[Image]:
    """A lesion's images by the time they were taken, with their visits and readings."""
    query = select(Image).join(Image.visit).where(Image.lesion_id == lesion_id).order_by(Visit.at, Image.id)
    readings = selectinload(Image.readings).options(selectinload(StoredReading.review))
    with database.reading() as session:
        return list(session.scalars(query.options(joinedload(Image.visit), joinedload(Image.lesion), readings)))
