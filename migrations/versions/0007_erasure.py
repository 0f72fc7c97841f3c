"""What was recorded is removed only with the erasure of its patient, and no id is given out twice.

Rows that are only ever added, such as readings and diagnoses, could not be changed before; now they cannot be removed
either, unless the audit trail holds the entry that says that their patient is erased.

The ids of patients, visits, lesions and images stand in the audit trail and in the addresses of open pages. PostgreSQL
never gives one out twice; SQLite gives the highest again once its row is gone, unless the table is AUTOINCREMENT.
"""

import re
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


_OF_LESION = "(SELECT patient_id FROM lesion WHERE id = OLD.lesion_id)"
_OF_IMAGE = (
    "(SELECT lesion.patient_id FROM image JOIN lesion ON lesion.id = image.lesion_id WHERE image.id = OLD.image_id)"
)

PATIENT_OF = {
    "patient_change": "OLD.patient_id",
    "diagnosis": _OF_LESION,
    "lesion_state": _OF_LESION,
    "checklist_score": _OF_LESION,
    "plan": _OF_LESION,
    "recall_call": "(SELECT lesion.patient_id FROM recall JOIN lesion ON lesion.id = recall.lesion_id "
    "WHERE recall.id = OLD.recall_id)",
    "reading": _OF_IMAGE,
    "outline": _OF_IMAGE,
    "image_scale": _OF_IMAGE,
    "review": "(SELECT lesion.patient_id FROM reading JOIN image ON image.id = reading.image_id "
    "JOIN lesion ON lesion.id = image.lesion_id WHERE reading.id = OLD.reading_id)",
}

NEVER_TWICE = ("patient", "visit", "lesion", "image")

_BY_HIMSELF = re.compile(r"\bid INTEGER NOT NULL")
_OWN_KEY = re.compile(r",\s*(?:CONSTRAINT \w+ )?PRIMARY KEY \(id\)")


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    if not postgresql:
        for table in NEVER_TWICE:
            rebuild(table, count_up)
    for table, patient in PATIENT_OF.items():
        entry = f"SELECT 1 FROM audit_entry WHERE action = 'patient.erase' AND patient_id = {patient}"  # noqa: S608 - our own
        erased = f"EXISTS ({entry})"
        if postgresql:
            op.execute(
                f"CREATE FUNCTION refuse_removal_of_{table}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF NOT {erased} THEN RAISE EXCEPTION '{table} is append-only'; END IF; RETURN OLD; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_{table}()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
            )
        else:
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW WHEN NOT {erased} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in PATIENT_OF:
        op.execute(f"DROP TRIGGER {table}_no_delete" + (f" ON {table}" if postgresql else ""))
        if postgresql:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
            op.execute(f"DROP FUNCTION refuse_removal_of_{table}()")
    if not postgresql:
        for table in reversed(NEVER_TWICE):
            rebuild(table, count_from_highest)


def count_up(sql: str) -> str:
    return _BY_HIMSELF.sub("id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", _OWN_KEY.sub("", sql, count=1), count=1)


def count_from_highest(sql: str) -> str:
    return sql.replace("id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", "id INTEGER NOT NULL PRIMARY KEY", 1)


def rebuild(table: str, rewrite: Callable[[str], str]) -> None:
    """Make an SQLite table anew from its own statement, with its rows, indexes, triggers and checks.

    Alembic's batch mode would lose the checks, which SQLAlchemy does not read back.
    """
    connection = op.get_bind()
    objects = connection.execute(
        sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL"), {"table": table}
    ).all()
    (statement,) = [sql for kind, sql in objects if kind == "table"]
    changed = rewrite(statement)
    assert changed != statement
    name = f"{table}_rebuilt"
    connection.exec_driver_sql(re.sub(rf'CREATE TABLE "?{table}"?', f"CREATE TABLE {name}", changed, count=1))
    connection.exec_driver_sql(f"INSERT INTO {name} SELECT * FROM {table}")  # noqa: S608 - our own tables' names
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {table}")
    for kind, sql in objects:
        if kind != "table":
            connection.exec_driver_sql(sql)
