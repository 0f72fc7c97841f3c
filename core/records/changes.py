"""What was changed in a patient's details, visits and images, kept beside what it was before."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from core.records import clock
from core.records.actor import Actor
from core.records.tables import PatientChange


def record_changes(
    session: Session, actor: Actor, *, patient_id: int, changes: Mapping[str, tuple[object, object]]
) -> None:
    """In the running transaction, keep what fields were and became; those that stayed the same are left out.

    A field's name has at most 64 characters; None stands for nothing.
    """
    moment = clock.now()
    session.add_all(
        PatientChange(
            patient_id=patient_id,
            at=moment,
            user_name=actor.name,
            field=field,
            before=None if before is None else str(before),
            after=None if after is None else str(after),
        )
        for field, (before, after) in changes.items()
        if before != after
    )
