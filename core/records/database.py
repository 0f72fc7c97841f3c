"""The unit of work over SQLite or PostgreSQL."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from core.errors import Unavailable

MIGRATIONS = Path(__file__).parents[2] / "migrations"

BUSY_TIMEOUT_SECONDS = 30.0
"""How long a writer waits for another before SQLite gives up; a write here takes milliseconds."""


class Database:
    """One database of the clinic's records.

    SQLite runs with foreign keys on, write-ahead logging and full sync: what was committed survives a power cut.
    Where the database does not answer, is locked for too long or cannot be written to, everything here raises
    Unavailable.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and keeps no change."""
        with _answering(), self._sessions() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed whole at the end of the block, or not at all where the block raises."""
        with _answering(), self._sessions() as session:
            session.connection(execution_options={"writes": True})
            yield session
            session.commit()

    @contextmanager
    def changing_tables(self) -> Iterator[Connection]:
        """A connection for `migrate_on`: tables and rows are changed together, or not at all where the block raises."""
        with _answering(), self.engine.connect() as connection:
            if self.is_sqlite:
                # SQLite alters a table by copying and dropping it, and dropping would remove what refers to its rows.
                # Within a transaction this setting cannot be changed.
                _driver(connection).execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.execution_options(writes=True).begin():
                    yield connection
                    if self.is_sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
                        raise RuntimeError("rows were left that refer to nothing")
            finally:
                if self.is_sqlite:
                    _driver(connection).execute("PRAGMA foreign_keys = ON")

    def take_turns(self, session: Session, what: str) -> None:
        """Wait until nobody else does `what`, a few words, and keep them out until this transaction ends.

        For rules that look at rows before adding one. SQLite has but one writer at a time anyway.
        """
        if not self.is_sqlite:
            session.execute(select(func.pg_advisory_xact_lock(zlib.crc32(what.encode()))))

    def answers(self) -> bool:
        """Whether a query comes back."""
        with _answering(), self.engine.connect() as connection:
            return bool(connection.scalar(text("SELECT 1")) == 1)

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to `revision`, up or down being told by the name ("head", "base", or one of ours)."""
        with self.changing_tables() as connection:
            migrate_on(connection, revision)

    def revision(self) -> str | None:
        """The revision that the tables are at; None before the first migration."""
        with _answering(), self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def is_current(self) -> bool:
        """Whether the tables are at the newest revision."""
        return self.revision() == _scripts().get_current_head()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def migrate_on(connection: Connection, revision: str = "head") -> None:
    """As Database.migrate, within the transaction of a connection from Database.changing_tables."""
    config = _migrations()
    config.attributes["connection"] = connection
    (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def known_revisions() -> set[str]:
    """Every revision that this version of DermTrail can migrate from."""
    return {script.revision for script in _scripts().walk_revisions()}


def _migrations() -> Config:
    config = Config()
    # Alembic reads its options through configparser, where a % begins an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_migrations())


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise Unavailable("The database does not answer, or cannot be written to.") from error


def _engine(url: str) -> Engine:
    # With hide_parameters an error that reaches a log names the statement, and no patient.
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
        event.listen(engine, "handle_error", _hide_rows)
        return engine
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _hide_rows(context: ExceptionContext) -> None:
    # PostgreSQL quotes the row at fault in the lines after the first, and with it a patient.
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].partition("\n")[0], *error.args[1:])


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own BEGIN comes too late to protect a read that a write builds on; ours is in _begin_sqlite.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # What is removed or changed is overwritten with zeros in the file: an erased patient's name does not stay in it.
    connection.execute("PRAGMA secure_delete = ON")
    _write_ahead(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    # A new database's first two users may both ask for this at one moment. SQLite tells the second at once that it is
    # locked, whatever the timeout.
    latest = monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > latest:
                raise
            sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns from reading to writing fails at once when another writer was faster, whatever
    # the timeout; one that says from the start that it writes waits its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
