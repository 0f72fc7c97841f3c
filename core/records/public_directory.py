"""The one door through which the public page reaches the database, and it leads to the directory of clinics only.

Its connection can write nothing. In SQLite the database itself refuses it every table but `clinic` (an authorizer). In
PostgreSQL it does where `Settings.public_database_url` names a role that may read that table only; without one, this
module's single query is what keeps it there.
"""

import sqlite3
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError

from core.clinics.directory import ClinicEntry
from core.clinics.nearest import ClinicIndex
from core.errors import Unavailable
from core.records.tables import Clinic

_CLINIC: Any = Clinic.__table__
_HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_TRANSACTION}


@dataclass(frozen=True, kw_only=True)
class ListedClinic(ClinicEntry):
    """A clinic of the directory as it was when it was read; `id` is the database's."""

    id: int


class PublicDirectory:
    """The clinics that are not retired, read anew only when the directory has changed."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._lock = Lock()
        self._state: tuple[Any, ...] | None = None
        self._clinics: ClinicIndex[ListedClinic] = ClinicIndex([])

    def clinics(self) -> ClinicIndex[ListedClinic]:
        """Every clinic, by name, prepared for `core.clinics.nearest`. Raises Unavailable."""
        try:
            with self._lock, self.engine.connect() as connection:
                newest = select(func.count(), func.max(_CLINIC.c.updated_at)).select_from(_CLINIC)
                state = tuple(connection.execute(newest).one())
                if state != self._state:
                    self._clinics, self._state = ClinicIndex(_listed(connection)), state
                return self._clinics
        except DBAPIError as error:
            raise Unavailable("The directory of clinics does not answer.") from error


def _listed(connection: Connection) -> list[ListedClinic]:
    columns = [_CLINIC.c[name] for name in ListedClinic.__dataclass_fields__]
    query = select(*columns).where(_CLINIC.c.retired_at.is_(None)).order_by(_CLINIC.c.name, _CLINIC.c.id)
    return [ListedClinic(**row) for row in connection.execute(query).mappings()]


def _engine(url: str) -> Engine:
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, pool_size=2)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("SET TRANSACTION READ ONLY"))
        return engine

    def connect() -> sqlite3.Connection:
        file = f"file:{quote(parts.database or '')}?mode=ro"
        connection = sqlite3.connect(file, uri=True, timeout=30, check_same_thread=False)
        connection.set_authorizer(_authorize)
        return connection

    return create_engine("sqlite://", creator=connect, hide_parameters=True)


def _authorize(action: int, about: str | None, *_: str | None) -> int:
    reads_clinics = action == sqlite3.SQLITE_READ and about == _CLINIC.name
    # SQLAlchemy asks for this one setting when it connects.
    asks_setting = action == sqlite3.SQLITE_PRAGMA and about == "read_uncommitted"
    return sqlite3.SQLITE_OK if action in _HARMLESS or reads_clinics or asks_setting else sqlite3.SQLITE_DENY
