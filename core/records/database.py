"""The unit of work over SQLite or PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session, sessionmaker

MIGRATIONS = Path(__file__).parents[2] / "migrations"

BUSY_TIMEOUT_SECONDS = 30.0
"""How long a writer waits for another before SQLite gives up; a write here takes milliseconds."""


class Database:
    """One database of the clinic's records.

    SQLite runs with foreign keys on, write-ahead logging and full sync: what was committed survives a power cut.
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
        with self._sessions() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed whole at the end of the block, or not at all where the block raises."""
        with self._sessions() as session:
            session.connection(execution_options={"writes": True})
            yield session
            session.commit()

    def answers(self) -> bool:
        """Whether a query comes back."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(text("SELECT 1")) == 1)

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to `revision`, up or down being told by the name ("head", "base", or one of ours)."""
        config = migrations_config(self.url)
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)

    def revision(self) -> str | None:
        """The revision that the tables are at; None before the first migration."""
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def is_current(self) -> bool:
        """Whether the tables are at the newest revision."""
        return self.revision() == ScriptDirectory.from_config(migrations_config(self.url)).get_current_head()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def migrations_config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # Alembic reads its options through configparser, where a % begins an interpolation.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _engine(url: str) -> Engine:
    # With hide_parameters an error that reaches a log names the statement, and no patient.
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own BEGIN comes too late to protect a read that a write builds on; ours is in _begin_sqlite.
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns from reading to writing fails at once when another writer was faster, whatever
    # the timeout; one that says from the start that it writes waits its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
