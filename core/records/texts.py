"""Texts that people type, made fit to be kept."""

import unicodedata

from core.errors import Invalid

LONGEST_NOTES = 10_000
"""Characters; some five pages."""


def one_line(text: str | None, *, field: str, longest: int) -> str | None:
    """`text` on one line, with single blanks; None where nothing is left. Raises Invalid where it is too long."""
    return _within(" ".join(_printable(text or "").split()), field, longest)


def notes(text: str | None, *, field: str, longest: int = LONGEST_NOTES) -> str | None:
    """`text` with its lines as they are; None where nothing is left. Raises Invalid where it is too long."""
    return _within(_printable(text or "").strip(), field, longest)


def required(text: str, *, field: str, longest: int, missing: str) -> str:
    """As `one_line`, and Invalid with the sentence `missing` where nothing is left."""
    line = one_line(text, field=field, longest=longest)
    if line is None:
        raise Invalid(missing, field=field)
    return line


def _printable(text: str) -> str:
    """Composed characters, without control characters and lone surrogates, which PostgreSQL or UTF-8 cannot hold."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        character
        for character in composed
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cs")
    )


def _within(text: str, field: str, longest: int) -> str | None:
    if len(text) > longest:
        raise Invalid(f"That is longer than {longest} characters.", field=field)
    return text or None
