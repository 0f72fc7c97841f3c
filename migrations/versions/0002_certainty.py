"""How far a reading may be believed. Readings from before have no word on it, and get none."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As SQL, since SQLite takes a constraint with a new column but not after it.
    op.execute(
        "ALTER TABLE reading ADD COLUMN certainty VARCHAR(64) CONSTRAINT ck_reading_certainty "
        "CHECK (certainty IN ('certain', 'uncertain', 'unreadable'))"
    )
    op.add_column("reading", sa.Column("concern", sa.String(length=200), nullable=True))
    op.add_column("reading", sa.Column("prediction_set", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("reading", "prediction_set")
    op.drop_column("reading", "concern")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_column("reading", "certainty")
        return
    # SQLite drops no column that a constraint names: the table is made anew without both, and its trigger with it.
    with op.batch_alter_table("reading") as batch_op:
        batch_op.drop_constraint(op.f("ck_reading_certainty"), type_="check")
        batch_op.drop_column("certainty")
    op.execute(
        "CREATE TRIGGER reading_no_update BEFORE UPDATE ON reading FOR EACH ROW "
        "BEGIN SELECT RAISE(ABORT, 'reading is append-only'); END"
    )
