"""Features of a network that never was, for the search for similar cases."""

from sqlalchemy import select

from core.records import clock
from core.records.database import Database
from core.records.tables import StoredReading
from core.vision.similar import Features, packed


def give_features(database: Database, image_id: int, features: Features, *, model_version: str) -> StoredReading:
    """Add a reading with these features to an image, otherwise like its newest one."""
    with database.writing() as session:
        query = select(StoredReading).where(StoredReading.image_id == image_id).order_by(StoredReading.id.desc())
        before = session.scalars(query.limit(1)).one()
        row = StoredReading(
            image_id=image_id,
            at=clock.now(),
            model_version=model_version,
            prediction=before.prediction,
            probabilities=before.probabilities,
            malignant_probability=before.malignant_probability,
            flagged=before.flagged,
            maps=before.maps,
            overlay_sha256=before.overlay_sha256,
            features=packed(features),
        )
        session.add(row)
    return row
