"""What the public page works with, and what it does with a photo: the same for every language and for programs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from core import screening
from core.errors import Unavailable, UnreadableImage
from core.guidance import Answers, Decision, decide, words
from core.languages import ENGLISH, Language
from core.reading_json import reading_fields
from core.screening_counts import Counted, ScreeningCounts
from core.taxonomy import Group
from core.vision.certainty import Certainty
from core.vision.reader import Reading
from dashboard.clinic_words import ListedClinic
from dashboard.screening import answers
from dashboard.screening.photos import Photo, Photos

logger = logging.getLogger(__name__)

Read = Callable[[bytes], tuple[Image.Image, Reading]]
"""From an uploaded file to its clean pixels and their reading; it may raise UnreadableImage and Unavailable."""


@dataclass(frozen=True)
class Service:
    """The parts of the page. None of them leads to a patient.

    Attributes:
        read: takes an uploaded file in and reads it, the same way as the dashboard does.
        clinics: answers with the directory of clinics, as it is at the moment.
        counts: counters without any tie to a person.
        files: where this server has `dashboard/static`.
        photos: what is known of the photos of those who are on the page now.
    """

    read: Read
    clinics: Callable[[], Sequence[ListedClinic]]
    counts: ScreeningCounts
    files: str
    photos: Photos = field(default_factory=Photos)

    def receive(self, session: str, data: bytes, language: Language) -> Photo:
        """Read somebody's photo and keep what came of it for the session. Raises Unavailable."""
        self.photos.forget(session)
        try:
            image, reading = self.read(data)
        except UnreadableImage as error:
            self.counts.add(Counted.NO_IMAGE)
            photo = Photo(None, problem=_problem(language, str(error)))
        except Exception as error:
            if not isinstance(error, Unavailable):
                logger.exception("The public page could not read a photo.")
            raise Unavailable(words.NOT_WORKING) from error
        else:
            self.counts.add(Counted.READ)
            if reading.certainty is Certainty.UNREADABLE:
                photo = Photo(reading, problem=_problem(language, reading.concern or words.NOT_AN_IMAGE))
            else:
                photo = Photo(reading, region=answers.region(language, image, reading))
        self.photos.keep(session, photo)
        return photo

    def decided(self, photo: Photo, given: Answers) -> Decision:
        """What is advised about a photo; it is counted."""
        if photo.reading is None:
            decision = decide(
                malignant_probability=0.0,
                flagged=False,
                group=Group.BENIGN,
                certainty=Certainty.UNREADABLE,
                answers=given,
            )
        else:
            decision = screening.decided(photo.reading, given)
        photo.outcome = decision.outcome
        self.counts.add(Counted(decision.outcome.value))
        return decision

    def as_json(self, data: bytes, given: Answers) -> dict[str, Any]:
        """A photo's reading and what is advised, for a program; the fields of `python -m core screen --json`."""
        try:
            _, reading = self.read(data)
        except UnreadableImage as error:
            self.counts.add(Counted.NO_IMAGE)
            return {"error": str(error)}
        self.counts.add(Counted.READ)
        decision = self.decided(Photo(reading), given)
        return screening.as_fields(decision) | {"reading": reading_fields(reading)}


def _problem(language: Language, sentence: str) -> str:
    """Why a photo cannot be read: word for word where the language has the sentence, else in general."""
    translated = language.translate(sentence)
    if language != ENGLISH and translated == sentence:
        return language.translate(words.NOT_AN_IMAGE)
    return translated
