"""Letters in the languages of the catalogues, each one HTML page without scripts or outside files, made to be printed.

What is not printed stands above the letter, in English for the clinic: how to print it, the way to the other languages
(`?lang=` of the letter's own address), and that no translation was checked by a clinician.
"""

from datetime import date
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.clinics.places import country_name
from core.exchange import letter_words
from core.guidance.words import NEEDS_CHECK
from core.languages import ENGLISH, LANGUAGES, Language
from core.records import clock, patients
from core.records.tables import Recall, Referral

# Everything that people typed is escaped, so that no name can bring markup along.
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


def recall_letter(recall: Recall, *, language: Language = ENGLISH) -> str:
    """To a patient who is to come again; `recall` as `core.records.recalls.take_out` answers it.

    It says nothing clinical, since it may be opened by whoever lives there.
    """
    return _letter("recall_letter.html", language, recall=recall, patient=recall.lesion.patient)


def referral_letter(referral: Referral, *, language: Language = ENGLISH) -> str:
    """To a colleague; `referral` as `core.records.referrals.take_out` answers it. The reason stays as written."""
    sent_on = referral.sent_at.astimezone().date()
    patient, code = referral.patient, referral.clinic.country
    country = country_name(code) if language == ENGLISH else language.locale.territories.get(code, country_name(code))
    age = patients.age_in_years(patient.birth_date, sent_on)
    about = {"referral": referral, "patient": patient, "clinic": referral.clinic}
    return _letter("referral_letter.html", language, **about, country=country, age=age, sent_on=sent_on)


def _letter(template: str, language: Language, **about: Any) -> str:
    def say(sentence: str, **values: object) -> str:
        translated = language.translate(sentence)
        return translated.format(**values) if values else translated

    def day(value: date) -> str:
        return format_date(value, "long", locale=language.locale)

    shown = {"language": language, "languages": LANGUAGES, "words": letter_words, "unchecked": NEEDS_CHECK}
    return _TEMPLATES.get_template(template).render(say=say, day=day, today=clock.today(), **(shown | about))
