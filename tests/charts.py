"""Charts made in a line: a patient, a visit, a lesion, an image, all of them through the verbs that the pages call."""

import io
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import insert, select

from core.demo.lesion_images import draw_lesion
from core.records import clock, images, lesions, patients, visits
from core.records.actor import Actor
from core.records.database import Database
from core.records.images import Intake
from core.records.patients import PatientDetails
from core.records.tables import Image, Lesion, Patient, StoredReading, Visit
from core.records.terms import BodySite, ImageType, Sex

PASSWORD = "a password for tests"
"""Of every account that the fixtures make."""

DETAILS = PatientDetails(record_number="T-1", name="Meera Iyer", birth_date=date(1961, 4, 23), sex=Sex.FEMALE)
"""A patient with no more than what must be asked."""

OLD = "an earlier model"
"""The version that `add_old_reading` names."""

_numbers = count(100)


@cache
def lesion_file(seed: int = 1, *, size: int = 200, visit: int = 0) -> bytes:
    """A drawn lesion as a PNG file; another seed or visit is another image."""
    file = io.BytesIO()
    draw_lesion(seed=seed, size=size, visit=visit).save(file, "PNG")
    return file.getvalue()


def add_old_reading(database: Database, image: Image) -> None:
    """Give an image a reading by another model, that came after all its others."""
    columns = [column for column in StoredReading.__table__.columns if column.name not in ("id", "model_version")]
    with database.writing() as session:
        newest = select(*columns).where(StoredReading.image_id == image.id).order_by(StoredReading.id.desc()).limit(1)
        values = session.execute(newest).one()._asdict()
        session.execute(insert(StoredReading).values(**values, model_version=OLD))


@dataclass(frozen=True)
class Charts:
    """Adds to the charts of `database` as `actor`."""

    database: Database
    actor: Actor
    intake: Intake

    def patient(self, **changes: Any) -> Patient:
        """A patient of a new record number; `changes` are of `DETAILS`."""
        details = replace(DETAILS, **{"record_number": f"T-{next(_numbers)}", **changes})
        return patients.register_patient(self.database, self.actor, details=details, is_another_person=True)

    def visit(self, patient: Patient, *, days_ago: int = 0, reason: str = "Skin check", **more: Any) -> Visit:
        """A visit of this hour, so many days ago."""
        at = clock.now() - timedelta(days=days_ago)
        return visits.log_visit(self.database, self.actor, patient_id=patient.id, at=at, reason=reason, **more)

    def lesion(self, patient: Patient, *, body_site: BodySite = BodySite.TRUNK, **more: Any) -> Lesion:
        """A lesion on the trunk, unless said otherwise."""
        return lesions.add_lesion(self.database, self.actor, patient_id=patient.id, body_site=body_site, **more)

    def image(self, visit: Visit, lesion: Lesion, data: bytes | None = None, **more: Any) -> Image:
        """An image with its reading; a drawing of its own for each lesion and visit, unless `data` is given."""
        return images.add_image(
            self.database,
            self.actor,
            intake=self.intake,
            visit_id=visit.id,
            lesion_id=lesion.id,
            data=lesion_file(lesion.id, visit=visit.id) if data is None else data,
            image_type=ImageType.DERMOSCOPIC,
            **more,
        )

    def filled(self, **changes: Any) -> tuple[Patient, Visit, Lesion, Image]:
        """A chart with one visit, one lesion and one image."""
        patient = self.patient(**changes)
        visit, lesion = self.visit(patient), self.lesion(patient)
        return patient, visit, lesion, self.image(visit, lesion)
