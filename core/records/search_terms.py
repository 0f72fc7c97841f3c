"""The words by which a patient is found, and those that a query is made of.

A query word finds a patient where it begins one of the patient's terms, which an ordinary index answers on SQLite and
PostgreSQL alike.
"""

import re
import unicodedata
from datetime import date

SHORTEST_PHONE_PART = 4
"""A phone number is found by its beginning or by its last digits, from this many on."""

PHONE_KEY = 9
"""The last digits that make a phone number: what stands before them is the country's code, or a 0 in its place."""

LONGEST_TERM = 200
"""Folding may lengthen a word; its first characters are enough to find it by."""

_DATE_FORMATS = ("%Y%m%d", "%d%m%Y")

# Letters that Unicode does not take apart into a letter and its accent, as people without them on the keyboard write.
_PLAIN = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "þ": "th", "æ": "ae", "œ": "oe"})


def fold(text: str) -> str:
    """`text` in lower case, without accents and invisible characters, with digits 0-9, so that Müller is found by
    muller and १९६१ by 1961; other scripts stay as they are."""
    if text.isascii() and text.isprintable():
        return text.lower().strip()[:LONGEST_TERM]
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN)
    folded = (_plain(character) for character in decomposed if not unicodedata.combining(character))
    return "".join(folded).strip()[:LONGEST_TERM]


def digits(phone: str) -> str:
    """The digits of a phone number."""
    return re.sub(r"\D", "", fold(phone))


def same_phone(one: str | None, other: str | None) -> bool:
    """Whether two phone numbers are one, with the country's code or without."""
    number = digits(one or "")[-PHONE_KEY:]
    return bool(number) and number == digits(other or "")[-PHONE_KEY:]


def terms_of(*, name: str, record_number: str, birth_date: date, phone: str | None) -> set[str]:
    """Every term of one patient: words of name and number, whole and in their parts, dates, phone and its endings."""
    terms = {"".join(_parts(record_number))}
    for word in [*name.split(), *record_number.split()]:
        parts = _parts(word)
        terms |= {*parts, "".join(parts)}
    terms |= {birth_date.strftime(form) for form in _DATE_FORMATS}
    number = digits(phone or "")
    terms |= {number[start:] for start in range(max(len(number) - SHORTEST_PHONE_PART + 1, 0))}
    return {term for term in terms if term}


def query_words(query: str) -> list[tuple[str, ...]]:
    """The words of a query, each as the ways in which it may stand among the terms.

    A number typed with blanks, dashes or dots is one word: it may be of a phone, a record or a date.
    """
    folded = fold(query)
    words = [folded] if _is_number(folded) else folded.split()
    found: list[tuple[str, ...]] = []
    for word in words:
        found.extend([_numbers(word)] if _is_number(word) else [(part,) for part in _parts(word)])
    return found


def after(prefix: str) -> str:
    """The first string that sorts after everything beginning with `prefix`, by code point."""
    return prefix + "\U0010ffff"


def _plain(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    # Joiners and direction marks change how a word is drawn, not which it is; a control character separates words.
    category = unicodedata.category(character)
    return "" if category in ("Cf", "Cs") else " " if category == "Cc" else character


def _parts(word: str) -> list[str]:
    """The folded `word` cut at punctuation: gallagher-byrne is gallagher and byrne. Indian vowel signs do not cut."""
    return "".join(
        " " if unicodedata.category(character)[0] in "PSZ" else character for character in fold(word)
    ).split()


def _is_number(folded: str) -> bool:
    return bool(re.fullmatch(r"[\d\s+()./-]*\d[\d\s+()./-]*", folded))


def _numbers(word: str) -> tuple[str, ...]:
    plain = digits(word)
    # In a date people leave out the 0 before a single digit.
    padded = digits(re.sub(r"(?<!\d)(\d)(?=[./-])", r"0\1", word))
    return tuple(dict.fromkeys((plain, padded, plain[-PHONE_KEY:])))
