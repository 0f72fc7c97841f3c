"""The directory of clinics, as the records keep it."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import exists, select

from core.clinics.directory import ClinicEntry
from core.records.database import Database
from core.records.tables import Clinic


def list_clinics(database: Database) -> list[Clinic]:
    """Every clinic, by name. Anybody may see the directory, so nobody needs to act."""
    with database.reading() as session:
        return list(session.scalars(select(Clinic).order_by(Clinic.name)))


def fill_empty_directory(database: Database, entries: Sequence[ClinicEntry]) -> None:
    """Put `entries` into a directory that has none, as on the first start."""
    with database.reading() as session:
        if session.scalar(select(exists().where(Clinic.id.is_not(None)))):
            return
    with database.writing() as session:
        session.add_all(Clinic(**asdict(entry)) for entry in entries)
