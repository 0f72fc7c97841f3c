"""The catalogues: nothing is missing, and what the page puts in has its place in every language."""

import re

import pytest
from babel.messages.pofile import read_po

from core.guidance import words
from core.languages import ENGLISH, LANGUAGES, Language, preferred
from core.languages.messages import MEDICAL, messages

TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]
SCRIPTS = {"hi": "[\u0900-\u097f]", "ta": "[\u0b80-\u0bff]", "ar": "[\u0600-\u06ff]", "es": "[a-záéíóúñ]"}


@pytest.fixture(params=TRANSLATED, ids=[language.code for language in TRANSLATED])
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


def test_a_catalogue_holds_exactly_the_sentences_that_there_are_and_each_is_translated(language: Language) -> None:
    with language.catalogue.open("rb") as file:
        catalogue = read_po(file, locale=language.code)
    held = {message.id: message for message in catalogue if message.id}
    assert set(held) == set(messages()), "run python -m core.languages"
    assert [sentence for sentence, message in held.items() if not message.string or message.fuzzy] == []
    for sentence, comment in messages().items():
        medical = MEDICAL in " ".join(held[sentence].auto_comments)
        assert medical == (MEDICAL in comment), sentence


def test_what_is_put_in_has_its_place(language: Language) -> None:
    for sentence in messages():
        names = re.findall(r"\{\w*\}", sentence)
        assert sorted(re.findall(r"\{\w*\}", language.translate(sentence))) == sorted(names), sentence


def test_numbers_of_a_sentence_survive(language: Language) -> None:
    for sentence in messages():
        for number in re.findall(r"\d+", sentence):
            assert number in language.translate(sentence), sentence


def test_sentences_are_in_the_language_and_its_script(language: Language) -> None:
    same = [sentence for sentence in messages() if language.translate(sentence) == sentence and len(sentence) > 15]
    assert same == []
    for sentence in messages():
        assert re.search(SCRIPTS[language.code], language.translate(sentence)), sentence


def test_english_is_what_the_program_says() -> None:
    assert type(ENGLISH.translate(words.TITLE)) is str
    assert ENGLISH.translate(words.TITLE) == words.TITLE


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("ta-IN,ta;q=0.9,en;q=0.8", "ta"),
        ("fr,hi;q=0.3", "hi"),
        ("en;q=0.2,es-MX", "es"),
        ("ar;q=0,de", "en"),
        ("", "en"),
        (";;;q=x,,", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_asks_for_first(header: str, code: str) -> None:
    assert preferred(header).code == code


def test_arabic_is_written_from_right_to_left() -> None:
    assert {language.code for language in LANGUAGES if language.direction == "rtl"} == {"ar"}
