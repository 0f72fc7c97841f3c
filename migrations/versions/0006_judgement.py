"""Checklists, plans and calls about recalls; how far ahead a recall was set; the features of a reading."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("checklist_score", "plan", "recall_call")


def make_append_only() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        body = (
            "EXECUTE FUNCTION refuse_change()"
            if postgresql
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {body}")


def keep_intervals() -> None:
    """Say of each recall how far ahead it was set, before it must be said."""
    op.add_column("recall", sa.Column("interval_days", sa.Integer(), nullable=True))
    recall = sa.table(
        "recall",
        sa.column("id", sa.Integer()),
        sa.column("due_on", sa.Date()),
        sa.column("set_at", sa.DateTime(timezone=True)),
        sa.column("interval_days", sa.Integer()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(recall.c.id, recall.c.due_on, recall.c.set_at)).all():
        days = (row.due_on - row.set_at.date()).days
        connection.execute(recall.update().where(recall.c.id == row.id).values(interval_days=days))
    with op.batch_alter_table("recall", schema=None) as batch_op:
        batch_op.alter_column("interval_days", existing_type=sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "checklist_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lesion_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "checklist",
            sa.Enum(
                "weighted 7-point checklist",
                "ABCD rule of dermoscopy",
                name="checklist",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["lesion_id"], ["lesion.id"], name=op.f("fk_checklist_score_lesion_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_checklist_score_user_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_checklist_score_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_score")),
    )
    with op.batch_alter_table("checklist_score", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checklist_score_lesion_id"), ["lesion_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_checklist_score_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lesion_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "none",
                "recall in 3 months",
                "recall in 6 months",
                "recall in 12 months",
                "biopsy",
                "excision",
                "referral",
                name="plankind",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("withdraws_pathology", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["lesion_id"], ["lesion.id"], name=op.f("fk_plan_lesion_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_plan_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_lesion_id"), ["lesion_id"], unique=False)

    op.create_table(
        "recall_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recall_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "reached",
                "no answer",
                "moved",
                "declined",
                "wrong number",
                name="calloutcome",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("notes", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_recall_call_recall_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_recall_call_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_call")),
    )
    with op.batch_alter_table("recall_call", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recall_call_recall_id"), ["recall_id"], unique=False)

    # Neither of these rebuilds the table, whose triggers a rebuilding in SQLite would lose.
    op.add_column("reading", sa.Column("features", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_reading_model_version_image_id"), "reading", ["model_version", "image_id"], unique=False)
    op.create_index(op.f("ix_audit_entry_action"), "audit_entry", ["action"], unique=False)

    keep_intervals()
    make_append_only()


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_no_update" + (f" ON {table}" if postgresql else ""))
    with op.batch_alter_table("recall", schema=None) as batch_op:
        batch_op.drop_column("interval_days")

    op.drop_index(op.f("ix_audit_entry_action"), table_name="audit_entry")
    op.drop_index(op.f("ix_reading_model_version_image_id"), table_name="reading")
    op.execute("ALTER TABLE reading DROP COLUMN features")

    with op.batch_alter_table("recall_call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recall_call_recall_id"))

    op.drop_table("recall_call")
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_lesion_id"))
        batch_op.drop_index(batch_op.f("ix_plan_kind"))

    op.drop_table("plan")
    with op.batch_alter_table("checklist_score", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_checklist_score_visit_id"))
        batch_op.drop_index(batch_op.f("ix_checklist_score_lesion_id"))

    op.drop_table("checklist_score")
