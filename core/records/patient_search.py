"""Find patients by the beginnings of their terms, quickly for rare words and for common ones alike."""

from collections.abc import Sequence
from math import prod

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from core.records.search_terms import after
from core.records.tables import Patient, PatientSearchTerm

COUNTED = 20_000
"""So many terms are counted to learn how common a word is; counting more would cost more than it tells."""


def find(session: Session, words: Sequence[tuple[str, ...]], *, limit: int) -> list[Patient]:
    """The first `limit` patients by name whom each of `words` fits in one of its ways.

    With a rare word the few patients it fits are looked at. Where every word is common (the first digit or letter that
    somebody types), patients are walked through by name until there are enough: sorting half the clinic takes longer.
    """
    begins = [_begins(ways) for ways in words]
    common = [_count(session, condition) for condition in begins]
    if 0 in common:
        return []
    rarest = min(range(len(common)), key=common.__getitem__)
    everybody = session.scalar(select(func.max(Patient.id))) or 1
    walked = limit * prod(max(everybody / count, 1.0) for count in common)
    fits = [
        exists().where(PatientSearchTerm.patient_id == Patient.id, condition)
        for index, condition in enumerate(begins)
        if index != rarest or walked < common[rarest]
    ]
    found = select(Patient).where(*fits).order_by(Patient.sort_name, Patient.id).limit(limit)
    if walked >= common[rarest]:
        found = found.where(Patient.id.in_(select(PatientSearchTerm.patient_id).where(begins[rarest])))
    return list(session.scalars(found))


def _begins(ways: tuple[str, ...]) -> ColumnElement[bool]:
    """A term begins with one of `ways`."""
    return or_(*(and_(PatientSearchTerm.term >= way, PatientSearchTerm.term < after(way)) for way in ways))


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    some = select(PatientSearchTerm.id).where(condition).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0
