"""Readings: keep what a model said of an image, and who has looked at it."""

import io

import numpy as np
from PIL import Image as Picture
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from core.errors import NotFound
from core.records import audit, clock
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.tables import Image, Lesion, Review, StoredReading
from core.vision import heat_map, similar
from core.vision.heat_map import HeatMap
from core.vision.intake import decode
from core.vision.reader import Reader, Reading

SHOWN_SIDE = 768
"""Longest side in pixels of what a page shows: an overlay, or an image's small copy."""


def stored(reading: Reading, image: Picture.Image, store: ImageStore) -> StoredReading:
    """The row for a reading of `image`, its overlay being in the store already."""
    return StoredReading(
        at=clock.now(),
        model_version=reading.model_version,
        prediction=reading.prediction,
        probabilities=reading.probabilities,
        malignant_probability=reading.malignant_probability,
        flagged=reading.flagged,
        certainty=reading.certainty,
        concern=reading.concern,
        prediction_set=list(reading.prediction_set),
        maps=reading.activations.astype("<f4").tobytes(),
        overlay_sha256=store.put(overlay_file(image, reading.heat_map())),
        features=similar.packed(reading.features),
    )


def overlay_file(image: Picture.Image, heat: HeatMap) -> bytes:
    """The image with the heat map over it, as a JPEG file of at most SHOWN_SIDE pixels a side."""
    small = image.copy()
    small.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    file = io.BytesIO()
    heat_map.overlay(small, heat).save(file, "JPEG", quality=90)
    return file.getvalue()


def heat_map_of(reading: StoredReading, class_name: str) -> HeatMap:
    """The heat map of one class, (rows, columns) in 0..1, as the reading left it.

    Raises ValueError for a class that the reading does not have.
    """
    classes = list(reading.probabilities)
    activations = np.frombuffer(reading.maps, dtype="<f4")
    side = round((activations.size / len(classes)) ** 0.5)
    activation = activations.reshape(len(classes), side, side)[classes.index(class_name)]
    return heat_map.from_activation(activation)


@requires(Permission.WRITE_CHART)
def read_again(database: Database, actor: Actor, *, store: ImageStore, reader: Reader, image_id: int) -> StoredReading:
    """Add a reading by the current model to an image; the earlier ones stay. Raises NotFound."""
    with database.reading() as session:
        image = session.get(Image, image_id)
        if image is None:
            raise NotFound("There is no such image.")
    pixels = decode(store.get(image.sha256))
    with store.adding():
        row = stored(reader.read(pixels), pixels, store)
        row.image_id = image_id
        with database.writing() as session:
            if session.get(Image, image_id) is None:
                raise NotFound("There is no such image.")
            session.add(row)
            session.flush()
            patient_id = session.scalar(select(Lesion.patient_id).join(Image).where(Image.id == image_id))
            audit.record(
                session, actor, "reading.add", subject_type="reading", subject_id=row.id, patient_id=patient_id
            )
    return row


@requires(Permission.DIAGNOSE)
def review_reading(database: Database, actor: Actor, *, reading_id: int) -> None:
    """Note that a clinician has looked at a reading; the first look stands. Raises NotFound."""
    actor.account()
    with database.writing() as session:
        # The lesion's lock, which a diagnosis takes too, keeps two looks at one moment from both being the first.
        lesion = select(Lesion.id).join(Image).join(StoredReading).where(StoredReading.id == reading_id)
        if session.scalar(lesion.with_for_update(of=Lesion)) is None:
            raise NotFound("There is no such reading.")
        review_all(session, actor, StoredReading.id == reading_id)


@requires(Permission.READ_CHART)
def unreviewed_readings(database: Database, actor: Actor, *, limit: int = 50) -> list[StoredReading]:
    """The newest reading of each image, where nobody has looked at it, the most probably malignant first."""
    query = (
        select(StoredReading)
        .where(*_waiting())
        .order_by(StoredReading.malignant_probability.desc(), StoredReading.id)
        .limit(limit)
    )
    image = joinedload(StoredReading.image)
    loading = (image.joinedload(Image.lesion).joinedload(Lesion.patient), image.joinedload(Image.visit))
    with database.reading() as session:
        return list(session.scalars(query.options(*loading)))


@requires(Permission.READ_CHART)
def count_unreviewed(database: Database, actor: Actor) -> int:
    """How many there are of those."""
    query = select(func.count(StoredReading.id)).where(*_waiting())
    with database.reading() as session:
        return session.scalar(query) or 0


def review_all(session: Session, actor: Actor, *which: ColumnElement[bool]) -> None:
    """In the running transaction, note a look at each reading that fits and that nobody has looked at."""
    query = select(StoredReading.id, Lesion.patient_id).join(StoredReading.image).join(Image.lesion)
    unseen = query.where(~exists().where(Review.reading_id == StoredReading.id), *which)
    for reading_id, patient_id in session.execute(unseen).all():
        session.add(Review(reading_id=reading_id, at=clock.now(), user_id=actor.account()))
        audit.record(
            session, actor, "reading.review", subject_type="reading", subject_id=reading_id, patient_id=patient_id
        )


def _waiting() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """A reading is the newest of its image, and nobody has looked at it."""
    later = aliased(StoredReading)
    newer = exists().where(later.image_id == StoredReading.image_id, later.id > StoredReading.id)
    return ~newer, ~exists().where(Review.reading_id == StoredReading.id)
