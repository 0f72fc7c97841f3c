"""Which rows are a patient's: all that refer to the patient, directly or through rows that do.

Found by following foreign keys, so that a table added later belongs to its patient without being named here.
"""

from sqlalchemy import ColumnElement, Table, or_, select

from core.records.tables import Base, Patient


def owned_rows(patient_id: int) -> dict[Table, ColumnElement[bool]]:
    """For each table that holds rows of patients, which of its rows are this patient's.

    Those that are referred to come before those that refer to them.
    """
    owned: dict[Table, ColumnElement[bool]] = {Base.metadata.tables[Patient.__tablename__]: Patient.id == patient_id}
    for table in Base.metadata.sorted_tables:
        links = [
            key.parent.in_(select(key.column.table.c.id).where(owned[key.column.table]))
            for key in table.foreign_keys
            if key.column.table in owned and key.column.table is not table
        ]
        if links:
            owned[table] = or_(*links)
    return owned
