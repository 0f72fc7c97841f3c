"""Every sentence that a catalogue has to hold, with what a translator should know of it."""

from collections.abc import Iterator

from core import taxonomy
from core.exchange import letter_words
from core.guidance import sentences, words
from core.guidance.sentences import Guidance, Sentence

MEDICAL = "Medical: to be checked by a clinician who is a native speaker."


def messages() -> dict[str, str]:
    """Comments for translators by sentence, in the order of the modules that hold them."""
    found: dict[str, str] = {}
    for module, where in ((sentences, "Page text."), (words, "Page text."), (letter_words, "Text of a letter.")):
        for name, value in vars(module).items():
            if name.isupper():
                for text in _texts(value):
                    found.setdefault(text, f"{MEDICAL} {text.source}" if isinstance(text, Sentence) else where)
    for term in taxonomy.TERMS:
        found.setdefault(term.title, f"{MEDICAL} A diagnosis; ISIC: {term.isic}")
    return found


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, Guidance):
        yield from _texts((value.headline, value.advice, value.signs, value.lists))
