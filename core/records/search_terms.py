"""The words by which a patient is found, and those that a query is made of.

A query word finds a patient where it begins one of the patient's terms, which an ordinary index answers on SQLite and
PostgreSQL alike.
"""

import re
import unicodedata
from datetime import date

SHORTEST_PHONE_PART = 4
"""A phone number is found by its beginning or by its last digits, from this many on."""

_DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d", "%d%m%Y")


def fold(text: str) -> str:
    """`text` in lower case and without accents, so that Müller is found by muller; scripts without case stay as is."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).strip()


def digits(phone: str) -> str:
    """The digits of a phone number."""
    return re.sub(r"\D", "", phone)


def terms_of(*, name: str, record_number: str, birth_date: date, phone: str | None) -> set[str]:
    """Every term of one patient: words of the name, number, dates as people write them, phone and its endings."""
    terms = {*fold(name).split(), fold(record_number)}
    terms |= {birth_date.strftime(form) for form in _DATE_FORMATS}
    number = digits(phone or "")
    terms |= {number[start:] for start in range(max(len(number) - SHORTEST_PHONE_PART + 1, 0))}
    return {term for term in terms if term}


def query_words(query: str) -> list[str]:
    """The words of a query, folded like the terms; a phone number typed with blanks and dashes is one word."""
    folded = fold(query)
    if re.fullmatch(r"\+?[\d\s()-]{6,}", folded) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", folded):
        return [digits(folded)]
    return folded.split()


def after(prefix: str) -> str:
    """The first string that sorts after everything beginning with `prefix`, by code point."""
    return prefix + "\U0010ffff"
