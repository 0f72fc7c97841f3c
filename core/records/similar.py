"""Similar cases: the clinic's own lesions whose images look most alike to the network.

The index proposes and the records decide: what is shown is read from the records, and its similarity is computed from
the features kept there. An index that lags behind can leave an image out, and never show a wrong one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from core.errors import NotFound, Unavailable
from core.records import audit
from core.records.actor import Actor, Permission, requires
from core.records.agreement import CONFIRMED_BY
from core.records.database import Database
from core.records.tables import AuditEntry, Diagnosis, Image, StoredReading
from core.vision.similar import Features, Mark, SimilarIndex, unpacked

BATCH = 200
"""Readings that are taken in at a time; a search waits for no more than these."""

OVERLAP = 50
"""Readings that are looked at again when catching up: one with a lower id may be committed after one with a higher."""

SAVE_EVERY = 2000
"""Readings after which the index is put on the disk; what came since is taken in anew after a start."""

LOOKED_AT = 64
"""Nearest images that are looked at for cases: several may be of one lesion, or of the lesion itself."""

LOOKED_AT_FOR_CONFIRMED = 512

NEW_BEGINNINGS = ("records.restore", "patient.erase")
"""What, by its name in the audit trail, may give an id that the index knows to another image."""


@dataclass(frozen=True)
class SimilarCase:
    """A lesion by its most similar image, with visit and lesion, and its diagnosis: a confirmed one where there is one.

    `similarity` is the cosine between the features of the two images, at most 1.
    """

    image: Image
    diagnosis: Diagnosis | None
    similarity: float
    same_patient: bool


@dataclass(frozen=True)
class SimilarCases:
    """What was found. `missing` counts the readings that the index has yet to take in."""

    cases: list[SimilarCase]
    missing: int


@requires(Permission.DIAGNOSE)
def similar_cases(
    database: Database,
    actor: Actor,
    *,
    index: SimilarIndex,
    model_version: str,
    image_id: int,
    count: int = 8,
    confirmed_only: bool = False,
) -> SimilarCases:
    """The lesions most similar to an image, by the features of `model_version`, the most similar first.

    The same lesion is left out; another lesion of the same patient is not, and is marked. That the images of other
    patients were shown stands in the audit trail. Raises NotFound, and Unavailable where the image has no features of
    this model version.
    """
    with database.reading() as session:
        image = session.get(Image, image_id, options=[joinedload(Image.lesion)])
        if image is None:
            raise NotFound("There is no such image.")
        own = _features(session, [image_id], model_version).get(image_id)
    if own is None:
        raise Unavailable("This image has no reading by the current model yet that could be compared.")
    missing = catch_up(database, index, model_version=model_version)
    if missing:
        catch_up_in_background(database, index, model_version=model_version)
    found = index.search(own, count=LOOKED_AT_FOR_CONFIRMED if confirmed_only else LOOKED_AT)
    with database.reading() as session:
        cases = _cases(session, image, own, [key for key, _ in found], model_version)
    if confirmed_only:
        cases = [case for case in cases if case.diagnosis and case.diagnosis.confirm_type in CONFIRMED_BY]
    others = {case.image.lesion.patient_id for case in cases[:count] if not case.same_patient}
    audit.record_looks(database, actor, "similar.look", patient_ids=others)
    return SimilarCases(cases[:count], missing)


def catch_up(database: Database, index: SimilarIndex, *, model_version: str) -> int:
    """Take the readings that came since into the index, BATCH of them at most; how many are still missing.

    Where the index is of another model version, or of the records before a restore, it begins anew. Does nothing while
    another thread is at it.
    """
    if not index.catching_up.acquire(blocking=False):
        return _missing(database, index, model_version)
    try:
        return _catch_up(database, index, model_version)
    finally:
        index.catching_up.release()


def catch_up_in_background(database: Database, index: SimilarIndex, *, model_version: str) -> Thread:
    """As `catch_up` until nothing is missing, in a thread of its own; returns it at once."""

    def all_of_it() -> None:
        # Two at a time would only take turns.
        with index.catching_up:
            while _catch_up(database, index, model_version):
                pass

    thread = Thread(target=all_of_it, daemon=True)
    thread.start()
    return thread


def _catch_up(database: Database, index: SimilarIndex, model_version: str) -> int:
    with database.reading() as session:
        epoch = _epoch(session)
        mark = index.mark
        if mark is None or (mark.model_version, mark.epoch) != (model_version, epoch):
            index.clear()
            mark = Mark(model_version, epoch, 0)
        candidates = _since(session, mark.reading_id - OVERLAP, model_version)
        known = index.known([image_id for reading_id, image_id in candidates if reading_id <= mark.reading_id])
        new = [image_id for reading_id, image_id in candidates if reading_id > mark.reading_id or image_id not in known]
        features = _features(session, new, model_version)
    last = max([mark.reading_id, *(reading_id for reading_id, _ in candidates)])
    index.add(list(features), np.array(list(features.values())), Mark(model_version, epoch, last))
    missing = _missing(database, index, model_version) if len(candidates) >= BATCH else 0
    whole_at_last = bool(features) and not missing and mark.reading_id == 0
    if whole_at_last or len(index) // SAVE_EVERY > (len(index) - len(features)) // SAVE_EVERY:
        index.save()
    return missing


def _since(session: Session, reading_id: int, model_version: str) -> list[tuple[int, int]]:
    query = select(StoredReading.id, StoredReading.image_id).where(
        StoredReading.id > reading_id, StoredReading.model_version == model_version
    )
    rows = session.execute(query.order_by(StoredReading.id).limit(BATCH + OVERLAP))
    return [(reading_id, image_id) for reading_id, image_id in rows]


def _missing(database: Database, index: SimilarIndex, model_version: str) -> int:
    mark = index.mark
    last = mark.reading_id if mark is not None and mark.model_version == model_version else 0
    query = select(func.count(StoredReading.id)).where(
        StoredReading.id > last, StoredReading.model_version == model_version
    )
    with database.reading() as session:
        return session.scalar(query) or 0


def _epoch(session: Session) -> str:
    latest = session.scalar(select(func.max(AuditEntry.id)).where(AuditEntry.action.in_(NEW_BEGINNINGS)))
    if latest is None:
        return ""
    return session.scalars(select(AuditEntry.at).where(AuditEntry.id == latest)).one().isoformat()


def _features(session: Session, image_ids: Sequence[int], model_version: str) -> dict[int, Features]:
    """The features of images by this model version, the newest of each; images without any are left out."""
    query = select(StoredReading.image_id, StoredReading.features).where(
        StoredReading.image_id.in_(image_ids),
        StoredReading.model_version == model_version,
        StoredReading.features.is_not(None),
    )
    rows = session.execute(query.order_by(StoredReading.id))
    return {image_id: unpacked(data) for image_id, data in rows if data is not None}


def _cases(
    session: Session, image: Image, own: Features, proposed: Sequence[int], model_version: str
) -> list[SimilarCase]:
    """One case for each lesion among the proposed images but the image's own, the most similar first."""
    query = select(Image).where(Image.id.in_(proposed), Image.lesion_id != image.lesion_id)
    images = session.scalars(query.options(joinedload(Image.lesion), joinedload(Image.visit))).all()
    features = _features(session, [one.id for one in images], model_version)
    similarity = {image_id: float(np.clip(own @ its, -1, 1)) for image_id, its in features.items()}
    best: dict[int, Image] = {}
    for one in sorted(images, key=lambda one: -similarity.get(one.id, -1)):
        if one.id in similarity:
            best.setdefault(one.lesion_id, one)
    diagnoses = _diagnoses(session, list(best))
    return [
        SimilarCase(
            image=one,
            diagnosis=diagnoses.get(lesion_id),
            similarity=similarity[one.id],
            same_patient=one.lesion.patient_id == image.lesion.patient_id,
        )
        for lesion_id, one in best.items()
    ]


def _diagnoses(session: Session, lesion_ids: Sequence[int]) -> dict[int, Diagnosis]:
    """Of each lesion the newest confirmed diagnosis, or else the newest."""
    query = select(Diagnosis).where(Diagnosis.lesion_id.in_(lesion_ids)).order_by(Diagnosis.id)
    chosen: dict[int, Diagnosis] = {}
    for diagnosis in session.scalars(query):
        before = chosen.get(diagnosis.lesion_id)
        if before is None or diagnosis.confirm_type in CONFIRMED_BY or before.confirm_type not in CONFIRMED_BY:
            chosen[diagnosis.lesion_id] = diagnosis
    return chosen
