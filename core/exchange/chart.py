"""One patient's whole chart as the records held it at one moment: what every export is made from."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.errors import NotFound
from core.records.database import Database
from core.records.outlines import ImageMeasures, measures_of
from core.records.tables import Diagnosis, Image, Lesion, Patient, PatientChange, Recall, StoredReading, User, Visit


@dataclass(frozen=True)
class LesionChart:
    """A lesion, its images by the time they were taken, its diagnoses newest first, its recalls by due date.

    `measures` has for each image, in the same order, the outline and the scale that hold.
    """

    lesion: Lesion
    images: list[Image]
    diagnoses: list[Diagnosis]
    recalls: list[Recall]
    measures: list[ImageMeasures]

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The one in force."""
        return self.diagnoses[0] if self.diagnoses else None

    @property
    def recall(self) -> Recall | None:
        """The one that is open."""
        return next((recall for recall in self.recalls if recall.closed_at is None), None)


@dataclass(frozen=True)
class Chart:
    """A patient, the visits by time, the lesions by number, and what was changed of what was entered, oldest first."""

    patient: Patient
    visits: list[Visit]
    lesions: list[LesionChart]
    changes: list[PatientChange]

    def images(self) -> Iterator[Image]:
        """Every image, lesion by lesion."""
        for lesion in self.lesions:
            yield from lesion.images

    def clinicians(self) -> dict[int, User]:
        """The accounts that the chart names, by id."""
        seen = [visit.clinician for visit in self.visits if visit.clinician]
        said = [diagnosis.user for lesion in self.lesions for diagnosis in lesion.diagnoses]
        return {user.id: user for user in (*seen, *said)}


def patient_id_of(database: Database, record_number: str) -> int:
    """The id of the patient with this record number. Raises NotFound."""
    with database.reading() as session:
        patient_id = session.scalar(select(Patient.id).where(Patient.record_number == record_number.strip()))
    if patient_id is None:
        raise NotFound("There is no patient with that record number.")
    return patient_id


def chart_of(database: Database, *, patient_id: int) -> Chart:
    """The chart of a patient, in a fixed number of queries. Raises NotFound."""
    with database.reading() as session:
        patient = session.get(Patient, patient_id)
        if patient is None:
            raise NotFound("There is no such patient.")
        visits = select(Visit).where(Visit.patient_id == patient_id).order_by(Visit.at, Visit.id)
        changes = select(PatientChange).where(PatientChange.patient_id == patient_id).order_by(PatientChange.id)
        return Chart(
            patient=patient,
            visits=list(session.scalars(visits.options(joinedload(Visit.clinician)))),
            lesions=_lesions(session, patient_id),
            changes=list(session.scalars(changes)),
        )


def _lesions(session: Session, patient_id: int) -> list[LesionChart]:
    owned = Lesion.patient_id == patient_id
    lesions = list(session.scalars(select(Lesion).where(owned).order_by(Lesion.number)))
    images = select(Image).join(Image.visit).join(Image.lesion).where(owned).order_by(Visit.at, Image.id)
    readings = selectinload(Image.readings).options(selectinload(StoredReading.review))
    diagnoses = select(Diagnosis).join(Lesion).where(owned).order_by(Diagnosis.id.desc())
    recalls = select(Recall).join(Lesion).where(owned).order_by(Recall.due_on, Recall.id)
    charts = {lesion.id: LesionChart(lesion, [], [], [], []) for lesion in lesions}
    found = list(session.scalars(images.options(joinedload(Image.visit), joinedload(Image.lesion), readings)))
    for measured in measures_of(session, found, owned):
        charts[measured.image.lesion_id].images.append(measured.image)
        charts[measured.image.lesion_id].measures.append(measured)
    for diagnosis in session.scalars(diagnoses.options(joinedload(Diagnosis.user))):
        charts[diagnosis.lesion_id].diagnoses.append(diagnosis)
    for recall in session.scalars(recalls):
        charts[recall.lesion_id].recalls.append(recall)
    return list(charts.values())
