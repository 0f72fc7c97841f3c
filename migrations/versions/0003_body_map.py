"""A lesion's place on the body map, and the states that clinicians set."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lesion", sa.Column("map_x", sa.Double(), nullable=True))
    op.add_column("lesion", sa.Column("map_y", sa.Double(), nullable=True))
    # With the column come its checks: SQLite adds none to a table that is there, and rebuilding the table would lose
    # those that Alembic cannot see.
    op.execute(
        "ALTER TABLE lesion ADD COLUMN map_view VARCHAR(64)"
        " CONSTRAINT ck_lesion_bodyview CHECK (map_view IN ('front', 'back', 'head', 'hands', 'feet'))"
        " CONSTRAINT ck_lesion_map_place_is_whole"
        " CHECK ((map_view IS NULL) = (map_x IS NULL) AND (map_view IS NULL) = (map_y IS NULL))"
        " CONSTRAINT ck_lesion_map_place_within_view CHECK (map_x BETWEEN 0 AND 1 AND map_y BETWEEN 0 AND 1)"
    )
    op.create_table(
        "lesion_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lesion_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "watched",
                "changed",
                "suspicious",
                "excised",
                "resolved",
                name="lesionstate",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["lesion_id"], ["lesion.id"], name=op.f("fk_lesion_state_lesion_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_lesion_state_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesion_state")),
    )
    op.create_index(op.f("ix_lesion_state_lesion_id"), "lesion_state", ["lesion_id"], unique=False)
    body = (
        "EXECUTE FUNCTION refuse_change()"
        if op.get_bind().dialect.name == "postgresql"
        else "BEGIN SELECT RAISE(ABORT, 'lesion_state is append-only'); END"
    )
    op.execute(f"CREATE TRIGGER lesion_state_no_update BEFORE UPDATE ON lesion_state FOR EACH ROW {body}")


def downgrade() -> None:
    # The table takes its trigger along, and the column its checks.
    op.drop_table("lesion_state")
    for column in ("map_view", "map_y", "map_x"):
        op.drop_column("lesion", column)
