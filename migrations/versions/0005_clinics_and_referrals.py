"""What an import and an edit leave at a clinic; referrals."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("clinic") as clinic:
        clinic.add_column(sa.Column("opening_hours", sa.String(length=255), nullable=True))
        clinic.add_column(sa.Column("source_key", sa.String(length=300), nullable=True))
        clinic.add_column(sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
        clinic.add_column(sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
        clinic.add_column(sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
        # Two clinics of one name may stand in one town: they are told apart by their places.
        clinic.drop_constraint("uq_clinic_name_city_country", type_="unique")
    op.execute("UPDATE clinic SET updated_at = CURRENT_TIMESTAMP")
    with op.batch_alter_table("clinic") as clinic:
        clinic.alter_column("updated_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        clinic.create_unique_constraint(op.f("uq_clinic_source_key"), ["source_key"])
        clinic.create_index(op.f("ix_clinic_updated_at"), ["updated_at"])
    op.create_table(
        "referral",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("lesion_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "sent", "seen", "closed", name="referralstate", native_enum=False, create_constraint=True, length=64
            ),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_referral_clinic_id")),
        sa.ForeignKeyConstraint(["lesion_id"], ["lesion.id"], name=op.f("fk_referral_lesion_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_referral_patient_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_referral_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    with op.batch_alter_table("referral") as referral:
        referral.create_index(op.f("ix_referral_clinic_id"), ["clinic_id"])
        referral.create_index(op.f("ix_referral_patient_id"), ["patient_id"])


def downgrade() -> None:
    op.drop_table("referral")
    # Of clinics that the older tables cannot tell apart, the first remains.
    op.execute("DELETE FROM clinic WHERE id NOT IN (SELECT MIN(id) FROM clinic GROUP BY name, city, country)")
    with op.batch_alter_table("clinic") as clinic:
        clinic.drop_index(op.f("ix_clinic_updated_at"))
        clinic.drop_constraint(op.f("uq_clinic_source_key"), type_="unique")
        for column in ("retired_at", "edited_at", "updated_at", "source_key", "opening_hours"):
            clinic.drop_column(column)
        clinic.create_unique_constraint(op.f("uq_clinic_name_city_country"), ["name", "city", "country"])
