"""The languages of what the public and patients read: gettext catalogues, one a language, compiled at the first use.

A sentence in English is its own name in the catalogues. `python -m core.languages` brings the .po files up to date with
the sentences; the translations in them are edited by hand, with any gettext editor.
"""

import gettext
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Translate = Callable[[str], str]
"""From a sentence in English to the same one in another language."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Language:
    """A language by its code (ISO 639-1), and what it calls itself."""

    code: str
    name: str

    @property
    def locale(self) -> Locale:
        """How this language writes numbers and dates and names countries; English as it is spelt here, British."""
        return Locale.parse("en_GB" if self.code == "en" else self.code)

    @property
    def direction(self) -> str:
        """ "rtl" where it is written from right to left, else "ltr"."""
        return self.locale.text_direction

    @property
    def catalogue(self) -> Path:
        """Its .po file; English has none."""
        return _FOLDER / f"{self.code}.po"

    def translate(self, sentence: str) -> str:
        """`sentence` in this language; as it is where the catalogue does not have it."""
        return _catalogue(self).gettext(str(sentence))


ENGLISH = Language("en", "English")
LANGUAGES = (
    ENGLISH,
    Language("hi", "हिन्दी"),
    Language("ta", "தமிழ்"),
    Language("es", "Español"),
    Language("ar", "العربية"),
)


def by_code(code: str) -> Language:
    """The language of that code, or English where it is none of ours."""
    return next((language for language in LANGUAGES if language.code == code), ENGLISH)


def preferred(accept_language: str) -> Language:
    """The language that a browser's Accept-Language header asks for first among ours, or English."""
    ranked = sorted((_weighed(part) for part in accept_language.split(",")[:50]), key=lambda found: -found[1])
    wanted = [code for code, weight in ranked if weight > 0]
    found = negotiate_locale(wanted, [language.code for language in LANGUAGES], sep="-")
    return by_code(found or "")


def _weighed(part: str) -> tuple[str, float]:
    code, _, weight = part.strip().partition(";q=")
    try:
        return code, float(weight or 1)
    except ValueError:
        return code, 0.0


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    if language == ENGLISH:
        return gettext.NullTranslations()
    with language.catalogue.open("rb") as file:
        messages = read_po(file, locale=language.code)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
