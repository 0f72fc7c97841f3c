"""Find patients by the beginnings of their terms, quickly for rare words and for common ones alike."""

from collections.abc import Sequence
from itertools import islice

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from core.records.search_terms import after
from core.records.tables import Patient, PatientSearchTerm

COMMON = 5_000
"""A word that begins so many terms is common. Fewer patients are sorted by name in a few hundredths of a second."""

TERMS_OF_ONE = 20
"""Of one patient no more terms begin alike; endings of a phone number are the most."""


def find(session: Session, words: Sequence[tuple[str, ...]], *, limit: int) -> list[Patient]:
    """At most `limit` patients, by name, whom each of `words` fits in one of its ways.

    They are the first by name of all whom they fit. Only where every word is common, as the first letter or digit that
    somebody types, they are those whose terms come first: sorting half the clinic by name would take too long.
    """
    counts = [_count(session, ways) for ways in words]
    if 0 in counts:
        return []
    rarest = counts.index(min(counts))
    term = aliased(PatientSearchTerm)
    fitting = select(term.patient_id).where(_begins(term, words[rarest]))
    for index, ways in enumerate(words):
        if index != rarest:
            other = aliased(PatientSearchTerm)
            fits = select(other.id).where(other.patient_id == term.patient_id, _begins(other, ways))
            fitting = fitting.where(fits.exists())
    if counts[rarest] >= COMMON:
        first = session.scalars(fitting.order_by(term.term).limit(limit * TERMS_OF_ONE))
        chosen = Patient.id.in_(list(islice(dict.fromkeys(first), limit)))
    else:
        chosen = Patient.id.in_(fitting)
    # The offset keeps PostgreSQL from walking through all patients by name until enough of them fit.
    patient = aliased(Patient, select(Patient).where(chosen).offset(0).subquery())
    return list(session.scalars(select(patient).order_by(patient.sort_name, patient.id).limit(limit)))


def _begins(term: type[PatientSearchTerm], ways: tuple[str, ...]) -> ColumnElement[bool]:
    """A term begins with one of `ways`."""
    return or_(*(and_(term.term >= way, term.term < after(way)) for way in ways))


def _count(session: Session, ways: tuple[str, ...]) -> int:
    """How many terms one of `ways` begins; COMMON where there are more."""
    some = select(PatientSearchTerm.patient_id).where(_begins(PatientSearchTerm, ways)).limit(COMMON).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0
