"""Everything that DermTrail works with, opened from the settings: database, image store, model."""

import os
import secrets
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from core.clinics.directory import starting_list
from core.errors import Unavailable
from core.records import clinics
from core.records.database import Database
from core.records.image_store import ImageStore
from core.records.images import Intake
from core.records.public_directory import PublicDirectory
from core.records.recalls import LostRule
from core.settings import Settings
from core.vision.explainer import Explainer
from core.vision.intake import IntakeLimits
from core.vision.outline import Outliner
from core.vision.reader import Reader
from core.vision.similar import SimilarIndex


class Workspace:
    """The parts, each opened when it is first asked for and then kept."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def prepare(self) -> None:
        """Make the data folder where it is missing, bring the tables up to date, and fill an empty clinic directory.

        Raises OSError where the folder cannot be made, Unavailable where the database cannot be reached.
        """
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database.migrate()
        clinics.fill_empty_directory(self.database, starting_list())

    @cached_property
    def database(self) -> Database:
        """The records."""
        return Database(self.settings.database)

    @cached_property
    def public_directory(self) -> PublicDirectory:
        """The directory of clinics for the public page, with no way from it to anything else of the records."""
        return PublicDirectory(self.settings.public_database)

    @cached_property
    def images(self) -> ImageStore:
        """The files of the images."""
        return ImageStore(self.settings.images)

    @cached_property
    def reader(self) -> Reader:
        """The model. Raises Unavailable where it cannot be loaded."""
        return Reader(self.settings.model, threads=self.settings.reading_threads)

    @cached_property
    def explainer(self) -> Explainer:
        """What computes further explanations, in a process that starts with the first of them."""
        return Explainer(self.settings.model)

    @cached_property
    def similar(self) -> SimilarIndex:
        """The index of similar cases."""
        return SimilarIndex(self.settings.similar)

    @property
    def lost_rule(self) -> LostRule:
        """From when on a recall is lost to follow-up."""
        return LostRule(days=self.settings.lost_after_days, calls=self.settings.lost_after_calls)

    @cached_property
    def outliner(self) -> Outliner:
        """The network that outlines lesions. Raises Unavailable where it cannot be loaded."""
        return Outliner(threads=self.settings.reading_threads)

    @cached_property
    def limits(self) -> IntakeLimits:
        """What an uploaded file may measure."""
        return IntakeLimits(max_bytes=self.settings.max_image_bytes, max_pixels=self.settings.max_image_pixels)

    @property
    def intake(self) -> Intake:
        """What taking in an image needs."""
        return Intake(store=self.images, reader=self.reader, limits=self.limits)

    @cached_property
    def signing_key(self) -> str:
        """The key that signs session cookies, made on first use and kept readable for its owner only."""
        return _kept_secret(self.settings.signing_key)

    @cached_property
    def pseudonym_key(self) -> str:
        """The key that names patients in exports without identity; a new one gives everybody new names."""
        return _kept_secret(self.settings.pseudonym_key)

    def check(self) -> dict[str, str]:
        """What answers, for the health check. Raises Unavailable where the model or the database does not."""
        try:
            current = self.database.is_current()
        except Exception as error:
            raise Unavailable("The database does not answer.") from error
        if not current:
            raise Unavailable("The database is not at the revision of this version.")
        return {"status": "ok", "database": "ok", "model_version": self.reader.model_version}


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # It gets its name when it is whole: an empty key, left by a process that was killed, would sign for anybody.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
    return path.read_text(encoding="ascii")
