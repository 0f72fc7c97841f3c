"""How Alembic reaches the database; `core.records.database` calls it, and so does the alembic command."""

from alembic import context
from sqlalchemy import Connection

from core.records import tables
from core.records.database import Database
from core.settings import Settings


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our own column type as the plain one it is stored as, so that old revisions never import today's code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, tables.UtcDateTime) else False


def run(connection: Connection) -> None:
    """Run what was asked for, in the transaction of `connection`."""
    # SQLite cannot alter most of a table in place: batch mode copies it instead.
    context.configure(
        connection=connection,
        target_metadata=tables.Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(Settings().database)
    with database.changing_tables() as connection:
        run(connection)
    database.dispose()
