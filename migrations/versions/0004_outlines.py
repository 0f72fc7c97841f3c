"""Outlines of lesions, and how long a pixel of an image is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APPEND_ONLY = ("outline", "image_scale")


def upgrade() -> None:
    op.create_table(
        "outline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("model_version", sa.String(length=64), nullable=True),
        sa.Column("polygon", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("remark", sa.String(length=200), nullable=True),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("supersedes_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(user_id IS NULL) <> (model_version IS NULL)", name=op.f("ck_outline_drawn_by_one")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_outline_image_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_outline_user_id")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["outline.id"], name=op.f("fk_outline_supersedes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outline")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_outline_supersedes_id")),
    )
    op.create_index(op.f("ix_outline_image_id"), "outline", ["image_id"])
    op.create_table(
        "image_scale",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("mm_per_pixel", sa.Double(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "dermatoscope setting",
                "ruler or coin, marked by two clicks",
                name="scalesource",
                native_enum=False,
                create_constraint=True,
                length=64,
            ),
            nullable=False,
        ),
        sa.Column("marks", sa.JSON(), nullable=True),
        sa.CheckConstraint("mm_per_pixel > 0", name=op.f("ck_image_scale_mm_per_pixel_positive")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_scale_image_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_image_scale_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_scale")),
    )
    op.create_index(op.f("ix_image_scale_image_id"), "image_scale", ["image_id"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        body = (
            "EXECUTE FUNCTION refuse_change()"
            if postgresql
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {body}")


def downgrade() -> None:
    # Their triggers go with them.
    op.drop_table("image_scale")
    op.drop_table("outline")
