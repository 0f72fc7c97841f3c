"""Every setting of DermTrail, typed, in one place.

Each is read from the environment as DERMTRAIL_<NAME>, or from a `.env` file in the working directory.
"""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL

from core.vision import model_file


class Settings(BaseSettings):
    """The settings and their defaults.

    Attributes:
        home: folder of the embedded database, the images and the keys; made on first start.
        database_url: SQLAlchemy URL of the database; by default an SQLite file in `home`.
        public_database_url: URL of the same database for the public page, as a role of PostgreSQL's that may read the
            clinics and nothing else (README); by default the public page connects as everything else does.
        model: the JSON of the model that reads.
        max_image_bytes, max_image_pixels: larger files are refused before they are decoded.
        idle_minutes: a session that did nothing for so long is over.
        session_hours: a session is over after so long, busy or not.
        reading_threads: threads that ONNX Runtime uses for one image; 0 lets it decide.
        clinic_name: stands at the head of printed reports.
        overpass_url: the server of OpenStreetMap's Overpass API that `core clinics import --overpass` asks.
        lost_after_days, lost_after_calls: a recall overdue by more days, after so many calls in a row without success,
            counts as lost to follow-up.
        screening_api: answer programs on the public page's endpoint, which docs/SCREENING_API.md describes.
        screening_uploads_per_minute: photos that one address may send to the public page; many people may share
            one. The bytes and the other requests that it may send grow with it.
        secure_cookie: send the session cookie over https only; turn it on wherever the clinic is served by https.
    """

    model_config = SettingsConfigDict(env_prefix="DERMTRAIL_", env_file=".env", extra="ignore")

    home: Path = Field(default_factory=lambda: Path.home() / "DermTrail")
    database_url: str | None = None
    public_database_url: str | None = None
    model: Path = model_file.SHIPPED
    max_image_bytes: int = Field(default=25 * 1024 * 1024, gt=0)
    max_image_pixels: int = Field(default=60_000_000, gt=0)
    idle_minutes: float = Field(default=15, gt=0)
    session_hours: float = Field(default=12, gt=0)
    reading_threads: int = Field(default=0, ge=0)
    clinic_name: str = Field(default="Dermatology clinic", min_length=1, max_length=120)
    lost_after_days: int = Field(default=90, ge=0)
    lost_after_calls: int = Field(default=3, ge=1)
    screening_api: bool = False
    screening_uploads_per_minute: int = Field(default=120, gt=0)
    secure_cookie: bool = False
    overpass_url: str = "https://overpass-api.de/api/interpreter"

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or URL.create("sqlite", database=str(self.home / "dermtrail.db")).render_as_string()

    @property
    def public_database(self) -> str:
        """The SQLAlchemy URL by which the public page reads the directory of clinics."""
        return self.public_database_url or self.database

    @property
    def images(self) -> Path:
        """The folder of the image store."""
        return self.home / "images"

    @property
    def similar(self) -> Path:
        """The folder of the index of similar cases."""
        return self.home / "similar"

    @property
    def screening_counts(self) -> Path:
        """The file of the public page's counters."""
        return self.home / "screening_counts.db"

    @property
    def signing_key(self) -> Path:
        """The file with the key that signs session cookies."""
        return self.home / "signing.key"

    @property
    def pseudonym_key(self) -> Path:
        """The file with the key that names patients in exports without identity."""
        return self.home / "pseudonym.key"

    @property
    def idle_limit(self) -> timedelta:
        """`idle_minutes` as a span of time."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def session_limit(self) -> timedelta:
        """`session_hours` as a span of time."""
        return timedelta(hours=self.session_hours)
