"""Erasing a patient for good: every row and every image, leaving only the entry of who did it.

The triggers of migration 0007 refuse to remove what was recorded unless the trail already says, in the same transaction
or before, that this patient is erased. A backup made earlier still holds the patient: it is for the clinic to let it
expire. On PostgreSQL the removed rows leave the disk when the server vacuums.
"""

from dataclasses import dataclass

from sqlalchemy import delete, text

from core.errors import Invalid, NotFound
from core.records import audit, images
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.ownership import owned_rows
from core.records.tables import Patient
from core.vision.similar import SimilarIndex

ERASED = "patient.erase"
"""The action in the audit trail; the triggers know it by this name."""


@dataclass(frozen=True)
class Erased:
    """How much was removed: rows of all tables, and files that no other row names."""

    rows: int
    files: int


@requires(Permission.ADMINISTER)
def erase_patient(
    database: Database,
    actor: Actor,
    *,
    store: ImageStore,
    similar: SimilarIndex,
    patient_id: int,
    confirmed_number: str,
) -> Erased:
    """Remove a patient with all that belongs to them.

    `confirmed_number` is the record number as whoever erases typed it. An image that another patient's chart holds too
    stays there. The index of `similar` cases is made anew when it is asked for next. Raises NotFound, and Invalid where
    the number is not this patient's.
    """
    with database.writing() as session:
        patient = session.get(Patient, patient_id, with_for_update=True)
        if patient is None:
            raise NotFound("There is no such patient.")
        if confirmed_number.strip() != patient.record_number:
            raise Invalid("That is not this patient's record number. Nothing was erased.", field="confirmed_number")
        audit.record(session, actor, ERASED, subject_type="patient", subject_id=patient_id, patient_id=patient_id)
        session.flush()
        before = images.named_files(session)
        session.expunge(patient)
        rows = 0
        for table, owned in reversed(owned_rows(patient_id).items()):
            rows += session.connection().execute(delete(table).where(owned)).rowcount
        unnamed = before - images.named_files(session)
    with store.alone():
        # An upload of the same image for somebody else may have been committed since.
        with database.reading() as session:
            unnamed -= images.named_files(session)
        store.remove(unnamed)
    similar.clear()
    if database.is_sqlite:
        # What was written before lies in the log until it is folded into the file and the log is cut off.
        with database.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return Erased(rows=rows, files=len(unnamed))
