"""Migrations: up, down, with rows, all or nothing, and never apart from the models."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from core.errors import Unavailable
from core.records.actor import Actor
from core.records.database import Database, known_revisions
from core.records.tables import Base
from tests.charts import Charts
from tests.everything import all_rows, fill_every_table


def differences(database: Database) -> list[object]:
    """What Alembic would put into the next migration."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_models_and_migrations_agree(database: Database) -> None:
    assert differences(database) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE patient ADD COLUMN shoe_size INTEGER",
        "ALTER TABLE visit DROP COLUMN notes",
        "DROP INDEX ix_patient_sort_name",
        "CREATE TABLE forgotten (id INTEGER)",
    ],
)
def test_a_difference_between_models_and_migrations_is_found(database: Database, change: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(change))
    assert len(differences(database)) == 1


def test_from_nothing_to_the_newest_and_back(empty_database: Database) -> None:
    assert empty_database.revision() is None
    empty_database.migrate()
    assert empty_database.is_current()
    assert tables(empty_database) == set(Base.metadata.tables) | {"alembic_version"}
    empty_database.migrate("base")
    assert empty_database.revision() is None
    assert tables(empty_database) == {"alembic_version"}


def test_every_revision_is_reached_from_the_one_before(empty_database: Database) -> None:
    for revision in sorted(known_revisions()):
        empty_database.migrate(revision)
        assert empty_database.revision() == revision


def test_down_and_up_again_with_rows_in_every_table(database: Database, charts: Charts, clinician: Actor) -> None:
    fill_every_table(database, charts, clinician)
    database.migrate("base")
    assert tables(database) == {"alembic_version"}
    database.migrate()
    assert differences(database) == []
    assert all(rows == [] for rows in all_rows(database).values())


def test_migrating_what_is_current_changes_nothing(database: Database, charts: Charts, clinician: Actor) -> None:
    fill_every_table(database, charts, clinician)
    before = all_rows(database)
    database.migrate()
    assert all_rows(database) == before


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    fill_every_table(database, charts, clinician)
    before = all_rows(database)
    with pytest.raises(Unavailable), database.changing_tables() as connection:
        connection.execute(text("DROP TABLE review"))
        connection.execute(text("CREATE TABLE half_done (id INTEGER)"))
        raise sa.exc.OperationalError("the disk is full", None, Exception())
    assert "half_done" not in tables(database)
    assert all_rows(database) == before


def test_a_table_may_be_rebuilt_without_losing_what_refers_to_it(
    database: Database, charts: Charts, clinician: Actor
) -> None:
    """SQLite alters a table by copying it; with foreign keys on, dropping the old one would take the terms along."""
    fill_every_table(database, charts, clinician)
    before = all_rows(database)
    with database.changing_tables() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("patient", recreate="auto") as batch:
            batch.alter_column("name", existing_type=sa.String(200), type_=sa.String(300), existing_nullable=False)
    assert all_rows(database) == before


def test_rows_that_refer_to_nothing_are_refused_by_a_migration_too(database: Database, charts: Charts) -> None:
    charts.filled()
    before = all_rows(database)
    with pytest.raises((RuntimeError, IntegrityError)), database.changing_tables() as connection:
        connection.execute(text("UPDATE lesion SET patient_id = 4711"))
    assert all_rows(database) == before


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        Database(f"sqlite:///{tmp_path / 'nowhere' / 'dermtrail.db'}").migrate()


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        Database(f"postgresql+psycopg://postgres@/dermtrail?host={tmp_path}").migrate()
