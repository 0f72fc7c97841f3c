"""The tables.

Rows of `audit_entry`, `patient_change`, `reading`, `review`, `diagnosis`, `lesion_state`, `checklist_score`, `plan`,
`recall_call`, `outline` and `image_scale` are only ever added: triggers in the database refuse to change them, and
refuse to remove them unless their patient is erased; an audit entry is never removed.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from core.clinics.kind import ClinicKind
from core.records.terms import (
    BodySite,
    BodyView,
    CallOutcome,
    Checklist,
    ConfirmType,
    FitzpatrickSkinType,
    ImageType,
    Laterality,
    LesionState,
    PlanKind,
    ReferralState,
    Role,
    ScaleSource,
    Sex,
)
from core.vision.certainty import Certainty


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, aware and in UTC on every database (SQLite itself keeps no time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive moment, since nobody could say which one it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's naive moments their zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _enum(values: type[StrEnum]) -> Enum:
    """A text column that admits only `values`, enforced by the database."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=64,
        values_callable=lambda members: [member.value for member in members],
    )


# Sorted as SQLite sorts everything; PostgreSQL would follow the rules of a language.
_BY_CODE_POINT = String(200).with_variant(String(200, collation="C"), "postgresql")

_ENUMS = (
    *(Role, Sex, FitzpatrickSkinType, BodySite, Laterality, BodyView, LesionState, ImageType, ConfirmType),
    *(ClinicKind, ReferralState, Certainty, Checklist, PlanKind, CallOutcome, ScaleSource),
)


class Base(DeclarativeBase):
    """What all tables share; constraints have names so that migrations can drop them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
        **{kind: _enum(kind) for kind in _ENUMS},
    }

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class User(Base):
    """An account. `name` is what one signs in with, in lower case; an account is disabled, never removed."""

    __tablename__ = "user_account"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role]
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class SignInTries(Base):
    """How many sign-ins in a row went wrong for the names that fall into one bucket (core.records.throttle)."""

    __tablename__ = "sign_in_tries"

    bucket: Mapped[int] = mapped_column(unique=True)
    tries: Mapped[int]
    last_at: Mapped[datetime]


class UserSession(Base):
    """One sign-in of one account. Only the hash of its token is kept."""

    __tablename__ = "user_session"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class AuditEntry(Base):
    """Who did what to which thing, when and from where; no clinical content."""

    __tablename__ = "audit_entry"

    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    user_name: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64), index=True)
    subject_type: Mapped[str | None] = mapped_column(String(32))
    subject_id: Mapped[int | None]
    patient_id: Mapped[int | None] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(String(64))
    # No foreign key: the entry outlives a patient who is erased.
    patient: Mapped["Patient | None"] = relationship(
        primaryjoin="foreign(AuditEntry.patient_id) == Patient.id", viewonly=True
    )

    __table_args__ = (Index(None, "user_id", "action", "subject_id", "at"),)


class Patient(Base):
    """A person with a chart. `version` counts the edits, so that the second of two editors is told."""

    __tablename__ = "patient"

    record_number: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    sort_name: Mapped[str] = mapped_column(_BY_CODE_POINT, index=True)
    birth_date: Mapped[date] = mapped_column(index=True)
    sex: Mapped[Sex]
    fitzpatrick_skin_type: Mapped[FitzpatrickSkinType | None]
    phone: Mapped[str | None] = mapped_column(String(40))
    email: Mapped[str | None] = mapped_column(String(254))
    personal_hx_mm: Mapped[bool | None]
    family_hx_mm: Mapped[bool | None]
    notes: Mapped[str | None] = mapped_column(Text)
    photo_consent_on: Mapped[date | None]
    photo_consent_wording: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own name
    __table_args__ = (
        CheckConstraint(
            "(photo_consent_on IS NULL) = (photo_consent_wording IS NULL)", name="photo_consent_is_date_and_wording"
        ),
    )


class PatientSearchTerm(Base):
    """One word by which a patient is found: of the name, the number, the phone or the date of birth."""

    __tablename__ = "patient_search_term"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    # Words are found by range, which is their beginning only where text sorts by code point, as SQLite's does.
    term: Mapped[str] = mapped_column(_BY_CODE_POINT)

    __table_args__ = (Index(None, "term", "patient_id"), Index(None, "patient_id", "term"))


class PatientChange(Base):
    """One field of a patient, or of a visit or an image of theirs, that was changed, from what to what, by whom."""

    __tablename__ = "patient_change"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    at: Mapped[datetime]
    user_name: Mapped[str] = mapped_column(String(64))
    field: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)


class Visit(Base):
    """One coming of a patient to the clinic."""

    __tablename__ = "visit"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    clinician_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reason: Mapped[str] = mapped_column(String(200))
    notes: Mapped[str | None] = mapped_column(Text)
    patient: Mapped[Patient] = relationship()
    clinician: Mapped[User | None] = relationship()


class Lesion(Base):
    """One lesion of one patient; L1, L2 ... by `number`.

    Its place on the body map is the view and a point in 0..1 of the view's width and height; older ones have none.
    """

    __tablename__ = "lesion"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    number: Mapped[int]
    body_site: Mapped[BodySite]
    laterality: Mapped[Laterality | None]
    description: Mapped[str | None] = mapped_column(String(200))
    map_view: Mapped[BodyView | None]
    map_x: Mapped[float | None]
    map_y: Mapped[float | None]
    created_at: Mapped[datetime]
    patient: Mapped[Patient] = relationship()

    __table_args__ = (
        UniqueConstraint("patient_id", "number"),
        CheckConstraint("number > 0", name="number_from_one"),
        CheckConstraint(
            "(map_view IS NULL) = (map_x IS NULL) AND (map_view IS NULL) = (map_y IS NULL)", name="map_place_is_whole"
        ),
        CheckConstraint("map_x BETWEEN 0 AND 1 AND map_y BETWEEN 0 AND 1", name="map_place_within_view"),
    )

    @property
    def label(self) -> str:
        """What the clinic calls it within its patient, such as L2."""
        return f"L{self.number}"

    @property
    def place(self) -> str:
        """Where on the body it is, in a few words."""
        side = f", {self.laterality}" if self.laterality else ""
        return f"{self.body_site}{side}"


class StateOfLesion(Base):
    """What a clinician said has become of a lesion; the newest holds, and a lesion without any is new."""

    __tablename__ = "lesion_state"

    lesion_id: Mapped[int] = mapped_column(ForeignKey("lesion.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    state: Mapped[LesionState]
    user: Mapped[User] = relationship()


class Image(Base):
    """One image of a lesion, taken at a visit.

    Its file lies in the image store under `sha256`, and a small copy to show in a page under `display_sha256`.
    """

    __tablename__ = "image"

    lesion_id: Mapped[int] = mapped_column(ForeignKey("lesion.id"), index=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    display_sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    image_type: Mapped[ImageType]
    created_at: Mapped[datetime]
    lesion: Mapped[Lesion] = relationship()
    visit: Mapped[Visit] = relationship()
    readings: Mapped[list["StoredReading"]] = relationship(back_populates="image", order_by="StoredReading.id")

    __table_args__ = (UniqueConstraint("lesion_id", "sha256"),)

    @property
    def reading(self) -> "StoredReading | None":
        """The newest reading; None where there is none yet."""
        return self.readings[-1] if self.readings else None


class StoredReading(Base):
    """What a model said of one image: never a diagnosis, and never changed.

    `maps` holds the network's class activation maps as little-endian float32, (classes, side, side) in the order of the
    keys of `probabilities`, so that the heat map of any class can be drawn later as it was on that day. `certainty`,
    `concern` and `prediction_set` are those of `core.vision.reader.Reading`; None in readings by models that did not
    say. `concern` is None too where the reading is certain. `features` are the network's, as
    `core.vision.similar.packed` writes them; None in readings that were made before they were kept.
    """

    __tablename__ = "reading"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), index=True)
    at: Mapped[datetime]
    model_version: Mapped[str] = mapped_column(String(64))
    prediction: Mapped[str] = mapped_column(String(64))
    probabilities: Mapped[dict[str, Any]]
    malignant_probability: Mapped[float]
    flagged: Mapped[bool]
    certainty: Mapped[Certainty | None]
    concern: Mapped[str | None] = mapped_column(String(200))
    prediction_set: Mapped[list[str] | None]
    maps: Mapped[bytes] = mapped_column(LargeBinary)
    overlay_sha256: Mapped[str] = mapped_column(String(64))
    # Only the search for similar cases asks for them, and then for those of one image or of many: never with a page.
    features: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    image: Mapped[Image] = relationship(back_populates="readings")
    review: Mapped["Review | None"] = relationship(back_populates="reading")

    # What an index of similar cases has to hold is read from this alone.
    __table_args__ = (Index(None, "model_version", "image_id"),)

    @property
    def readable(self) -> bool:
        """Whether its answer may be shown as one; not where the model refused the image."""
        return self.certainty is not Certainty.UNREADABLE


class Review(Base):
    """A clinician has looked at a reading."""

    __tablename__ = "review"

    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), unique=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reading: Mapped[StoredReading] = relationship(back_populates="review")
    user: Mapped[User] = relationship()


class Diagnosis(Base):
    """What a clinician or a pathologist said of a lesion. It is never edited: a later one supersedes it."""

    __tablename__ = "diagnosis"

    lesion_id: Mapped[int] = mapped_column(ForeignKey("lesion.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(200))
    confirm_type: Mapped[ConfirmType]
    notes: Mapped[str | None] = mapped_column(Text)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("diagnosis.id"), unique=True)
    user: Mapped[User] = relationship()


class ChecklistScore(Base):
    """A lesion as a clinician scored it at a visit by one of `core.checklists`; `answers` is what was ticked."""

    __tablename__ = "checklist_score"

    lesion_id: Mapped[int] = mapped_column(ForeignKey("lesion.id"), index=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    checklist: Mapped[Checklist]
    answers: Mapped[dict[str, Any]]
    score: Mapped[float]
    user: Mapped[User] = relationship()
    visit: Mapped[Visit] = relationship()


class Plan(Base):
    """What a clinician means to do about a lesion. The newest holds.

    A biopsy or an excision waits for its pathology result, whatever is planned beside it, until a diagnosis by
    histopathology comes or a later plan says with `withdraws_pathology` that none will.
    """

    __tablename__ = "plan"

    lesion_id: Mapped[int] = mapped_column(ForeignKey("lesion.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[PlanKind] = mapped_column(index=True)
    notes: Mapped[str | None] = mapped_column(Text)
    withdraws_pathology: Mapped[bool]
    user: Mapped[User] = relationship()
    lesion: Mapped[Lesion] = relationship()


def _days_ahead(context: DefaultExecutionContext) -> int:
    row = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return int((row["due_on"] - row["set_at"].astimezone().date()).days)


class Recall(Base):
    """When to look at a lesion again. Closed by a later one, or when the patient has been seen.

    `interval_days` is how far ahead it was set.
    """

    __tablename__ = "recall"

    lesion_id: Mapped[int] = mapped_column(ForeignKey("lesion.id"), index=True)
    due_on: Mapped[date] = mapped_column(index=True)
    reason: Mapped[str | None] = mapped_column(String(200))
    set_at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    closed_at: Mapped[datetime | None]
    interval_days: Mapped[int] = mapped_column(default=_days_ahead)
    lesion: Mapped[Lesion] = relationship()
    user: Mapped[User] = relationship()
    calls: Mapped[list["RecallCall"]] = relationship(order_by="RecallCall.id.desc()")


class RecallCall(Base):
    """Somebody called a patient about a recall."""

    __tablename__ = "recall_call"

    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    outcome: Mapped[CallOutcome]
    notes: Mapped[str | None] = mapped_column(String(200))
    user: Mapped[User] = relationship()


class StoredOutline(Base):
    """Where a lesion ends in one image, by a network or by a person's hand. Never edited: a later one supersedes it.

    `polygon` is a list of [x, y] in pixels of the image, empty where no lesion was found; `measures` has for each
    quantity of `core.vision.change` its value and its uncertainty ([value, null] where that is unknown).
    """

    __tablename__ = "outline"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    model_version: Mapped[str | None] = mapped_column(String(64))
    polygon: Mapped[list[Any]]
    confidence: Mapped[float | None]
    remark: Mapped[str | None] = mapped_column(String(200))
    measures: Mapped[dict[str, Any]]
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("outline.id"), unique=True)
    user: Mapped[User | None] = relationship()

    __table_args__ = (CheckConstraint("(user_id IS NULL) <> (model_version IS NULL)", name="drawn_by_one"),)


class ImageScale(Base):
    """How long a pixel of an image is. Never edited: a later one holds.

    `marks` are the two points [x, y] that were clicked, in pixels, where it is known that way.
    """

    __tablename__ = "image_scale"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    mm_per_pixel: Mapped[float]
    source: Mapped[ScaleSource]
    marks: Mapped[list[Any] | None]

    __table_args__ = (CheckConstraint("mm_per_pixel > 0", name="mm_per_pixel_positive"),)


class Clinic(Base):
    """A place in the directory where skin is looked after.

    `source_key` is what its source calls it, such as "osm:node/240082350": an import finds by it what it brought
    before. `edited_at` is when somebody last edited it in the dashboard, after which no import changes it any more. A
    clinic is retired, never removed, since referrals name it and an import would bring it back. `updated_at` moves with
    each change of whatever kind, so that others can tell whether the directory is still as they know it.
    """

    __tablename__ = "clinic"

    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[ClinicKind]
    country: Mapped[str] = mapped_column(String(2))
    city: Mapped[str] = mapped_column(String(120))
    address: Mapped[str | None] = mapped_column(String(300))
    phone: Mapped[str | None] = mapped_column(String(40))
    website: Mapped[str | None] = mapped_column(String(300))
    opening_hours: Mapped[str | None] = mapped_column(String(255))
    latitude: Mapped[float]
    longitude: Mapped[float]
    position_approximate: Mapped[bool]
    source: Mapped[str | None] = mapped_column(String(300))
    source_key: Mapped[str | None] = mapped_column(String(300), unique=True)
    checked_on: Mapped[date | None]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    edited_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude_in_degrees"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude_in_degrees"),
    )


class Referral(Base):
    """A patient sent on to a clinic of the directory, and how far that has come."""

    __tablename__ = "referral"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinic.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    lesion_id: Mapped[int | None] = mapped_column(ForeignKey("lesion.id"))
    reason: Mapped[str] = mapped_column(Text)
    urgent: Mapped[bool]
    state: Mapped[ReferralState]
    sent_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    patient: Mapped[Patient] = relationship()
    clinic: Mapped[Clinic] = relationship()
    user: Mapped[User] = relationship()
    lesion: Mapped[Lesion | None] = relationship()
