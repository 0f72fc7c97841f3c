"""Images: take one in for a lesion, move it to the one that it shows, and fetch it again."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from core.errors import Conflict, Invalid, LikelyDuplicate, NotFound
from core.records import audit, clock, readings
from core.records.actor import Actor, Permission, requires
from core.records.changes import record_changes
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import Image, Lesion, Patient, StoredReading, Visit
from core.records.terms import ImageType
from core.vision.intake import IntakeLimits, display_copy, take_in
from core.vision.reader import Reader

UPLOAD_TIME = timedelta(hours=1)
"""A file this young may belong to an upload whose row is still to come; none takes nearly so long."""


@dataclass(frozen=True)
class Intake:
    """What taking in an image needs besides the database."""

    store: ImageStore
    reader: Reader
    limits: IntakeLimits


@requires(Permission.WRITE_CHART)
def add_image(
    database: Database,
    actor: Actor,
    *,
    intake: Intake,
    visit_id: int,
    lesion_id: int,
    data: bytes,
    image_type: ImageType,
    although_elsewhere: bool = False,
) -> Image:
    """Clean a file, keep it, and read it.

    The file and the overlay are on the disk before the rows are committed, and the rows are committed together:
    whatever stops the process, no row is without its file.

    Raises UnreadableImage, Invalid, NotFound; Conflict where this lesion has the image already; LikelyDuplicate, with
    the patients' ids, where another patient's chart holds the same image, unless `although_elsewhere` says that
    somebody has looked.
    """
    clean = take_in(data, limits=intake.limits)
    with database.reading() as session:
        _check_place(session, visit_id, lesion_id)
        if not although_elsewhere:
            _refuse_elsewhere(session, clean.sha256, lesion_id)
    with intake.store.adding():
        intake.store.put(clean.encoded)
        display_sha256 = intake.store.put(display_copy(clean.pixels, max_side=readings.SHOWN_SIDE))
        stored = readings.stored(intake.reader.read(clean.pixels), clean.pixels, intake.store)
        with database.writing() as session:
            database.take_turns(session, "add an image")
            patient_id = _check_place(session, visit_id, lesion_id)
            if not although_elsewhere:
                # Again, since the same file may have been added to two charts at one moment.
                _refuse_elsewhere(session, clean.sha256, lesion_id)
            image = Image(
                lesion_id=lesion_id,
                visit_id=visit_id,
                sha256=clean.sha256,
                display_sha256=display_sha256,
                width=clean.width,
                height=clean.height,
                image_type=image_type,
                created_at=clock.now(),
                readings=[stored],
            )
            session.add(image)
            try:
                session.flush()
            except IntegrityError as error:
                raise Conflict("This lesion has this image already.") from error
            audit.record(session, actor, "image.add", subject_type="image", subject_id=image.id, patient_id=patient_id)
    return image


@requires(Permission.WRITE_CHART)
def move_image(database: Database, actor: Actor, *, image_id: int, lesion_id: int) -> Image:
    """Move an image to the lesion of the same patient that it shows, where another was chosen by mistake.

    Its readings, outlines and scale go with it, since they say something of the image; what was said of the lesions
    stays. Raises NotFound, Invalid where the lesion is another patient's, and Conflict where it has the image already.
    """
    with database.writing() as session:
        # Not the whole row: whoever outlines an image holds its lesion first, and then needs the image's key.
        image = session.get(Image, image_id, with_for_update={"key_share": True})
        if image is None:
            raise NotFound("There is no such image.")
        # Whoever judges a lesion or outlines its images holds it. Two are always held in the same order: no deadlock.
        both = select(Lesion).where(Lesion.id.in_([image.lesion_id, lesion_id])).order_by(Lesion.id)
        lesions = {lesion.id: lesion for lesion in session.scalars(both.with_for_update())}
        if lesion_id not in lesions:
            raise NotFound("There is no such lesion.")
        before, after = lesions[image.lesion_id], lesions[lesion_id]
        if after.patient_id != before.patient_id:
            raise Invalid("The image and the lesion belong to two different patients.")
        if after is before:
            raise Conflict(f"The image is one of {after.label} already.")
        refusal = f"{after.label} has this very image already."
        visit = session.get_one(Visit, image.visit_id)
        image.lesion_id = lesion_id
        try:
            session.flush()
        except IntegrityError as error:
            raise Conflict(refusal) from error
        change = {f"lesion of an image of {visit.at.astimezone():%Y-%m-%d %H:%M}": (before.label, after.label)}
        record_changes(session, actor, patient_id=after.patient_id, changes=change)
        audit.record(
            session, actor, "image.move", subject_type="image", subject_id=image_id, patient_id=after.patient_id
        )
    return image


@requires(Permission.READ_CHART)
def get_image(database: Database, actor: Actor, *, image_id: int) -> Image:
    """One image with lesion, patient, visit and readings. Raises NotFound."""
    loading = (
        joinedload(Image.lesion).joinedload(Lesion.patient),
        joinedload(Image.visit),
        selectinload(Image.readings).selectinload(StoredReading.review),
    )
    with database.reading() as session:
        image = session.scalar(select(Image).where(Image.id == image_id).options(*loading))
    if image is None:
        raise NotFound("There is no such image.")
    audit.record_look(database, actor, "patient.look", patient_id=image.lesion.patient_id)
    return image


@requires(Permission.ADMINISTER)
def tidy(database: Database, actor: Actor, *, store: ImageStore) -> list[str]:
    """Remove stored files that no row names, and say which; files younger than UPLOAD_TIME stay."""
    with database.writing() as session:
        audit.record(session, actor, "images.tidy")
    with database.reading() as session:
        named = named_files(session)
    return store.sweep(named, older_than=UPLOAD_TIME)


def named_files(session: Session) -> set[str]:
    """The hashes of all files that the records name."""
    columns = (Image.sha256, Image.display_sha256, StoredReading.overlay_sha256)
    return {sha256 for column in columns for sha256 in session.scalars(select(column))}


def _check_place(session: Session, visit_id: int, lesion_id: int) -> int:
    """The patient whose visit and lesion these are. Raises NotFound, and Invalid where they are two patients'."""
    visit, lesion = session.get(Visit, visit_id), session.get(Lesion, lesion_id)
    if visit is None:
        raise NotFound("There is no such visit.")
    if lesion is None:
        raise NotFound("There is no such lesion.")
    if visit.patient_id != lesion.patient_id:
        raise Invalid("The visit and the lesion belong to two different patients.")
    return visit.patient_id


def _refuse_elsewhere(session: Session, sha256: str, lesion_id: int) -> None:
    owner = select(Lesion.patient_id).where(Lesion.id == lesion_id).scalar_subquery()
    query = select(Patient.id).join(Lesion, Lesion.patient_id == Patient.id).join(Image).where(Image.sha256 == sha256)
    if elsewhere := list(session.scalars(query.where(Patient.id != owner).distinct())):
        raise LikelyDuplicate("This very image is already in the chart of another patient.", candidates=elsewhere)
