"""Every way in which people write a name, a number, a phone or a date leads to the same terms."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records.search_terms import LONGEST_TERM, after, digits, fold, query_words, same_phone, terms_of


def found(query: str, **patient: object) -> bool:
    """Whether a query finds a patient, as the database would: every word begins a term in one of its ways."""
    details = {"name": "Meera Iyer", "record_number": "T-1", "birth_date": date(1961, 4, 23), "phone": None}
    terms = terms_of(**{**details, **patient})  # type: ignore[arg-type]
    words = query_words(query)
    return bool(words) and all(any(term.startswith(way) for term in terms for way in ways) for ways in words)


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("Björn Müller", ["björn", "Bjorn", "MULLER", "mull björ", "Müller Björn"]),
        ("Elif Yıldız", ["yildiz", "YILDIZ", "elif y"]),
        ("İpek Şahin", ["ipek", "sahin"]),
        ("Søren Łukasiewicz", ["soren", "lukasie", "Łuk"]),
        ("Straße", ["strasse", "STRASSE"]),
        ("Liam Gallagher-Byrne", ["byrne", "gallagher-byrne", "gallagher byrne", "gallagherbyrne", "liam byr"]),
        ("Aoife O'Connor", ["o'connor", "oconnor", "connor", "O’Connor"]),
        ("अनिता शर्मा", ["अनिता", "शर्मा", "शर्", "अनि"]),
        ("மீனா கண்ணன்", ["மீனா", "கண்", "கண்ணன் மீ"]),
        ("田中 浩", ["田中", "浩"]),
    ],
)
def test_names(name: str, queries: list[str]) -> None:
    assert [query for query in queries if not found(query, name=name)] == []
    assert not found("zzz", name=name)


@pytest.mark.parametrize(
    "query",
    ["1961-04-23", "23.04.1961", "23.4.1961", "23/04/1961", "23/4/1961", "23-4-1961", "23 04 1961", "23041961",
     "19610423", "1961-4-23", "1961", "1961-04", "23.4.", "meera 23.04.1961", "23.4.1961 iyer", "२३.०४.१९६१"],
)  # fmt: skip
def test_birth_dates(query: str) -> None:
    assert found(query)
    assert not found(query, birth_date=date(1975, 12, 9))


@pytest.mark.parametrize("stored", ["+91 98400 12345", "098400-12345", "98400 12345", "+91(98400)12345", "९८४०० १२३४५"])
@pytest.mark.parametrize(
    "query", ["+91 98400 12345", "+919840012345", "098400 12345", "98400", "9840012345", "12345", "400-12345", "2345"]
)
def test_phones_with_and_without_the_country(stored: str, query: str) -> None:
    assert found(query, phone=stored)
    assert not found(query, phone="+91 76543 20987")


@pytest.mark.parametrize(
    ("number", "queries"),
    [
        ("D-1001", ["D-1001", "d-1001", "d1001", "1001", "d-10"]),
        ("MRN 0042", ["mrn 0042", "MRN0042", "0042", "mrn 00"]),
        ("2024-0113", ["2024-0113", "20240113", "2024-01", "0113"]),
        ("202400010001", ["202400010001", "20240001"]),
        ("12/345", ["12/345", "12345", "345"]),
        ("AB.7", ["ab.7", "ab7"]),
    ],
)
def test_record_numbers(number: str, queries: list[str]) -> None:
    assert [query for query in queries if not found(query, record_number=number)] == []
    assert not found("77777", record_number=number)


@pytest.mark.parametrize("query", ["", "   ", "-", "()", "+", "\u200d", "\x00"])
def test_a_query_without_a_word_has_none(query: str) -> None:
    assert query_words(query) == []


def test_every_word_must_fit() -> None:
    assert found("meera iyer")
    assert not found("meera nair")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+91 98400 12345", "098400 12345", True),
        ("+91 98400 12345", "+91 98400 12346", False),
        ("2345", "+91 98400 12345", False),
        (None, None, False),
        ("", "", False),
    ],
)
def test_same_phone(one: str | None, other: str | None, same: bool) -> None:
    assert same_phone(one, other) is same


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=80), st.text(max_size=30), st.dates())
def test_whatever_was_written_is_found_by_writing_it_again(name: str, number: str, born: date) -> None:
    """For any characters at all: a query of the name's own words fits, and every term can be stored."""
    terms = terms_of(name=name, record_number=number, birth_date=born, phone=None)
    for ways in query_words(name):
        assert any(term.startswith(way) for term in terms for way in ways) or all(way.isdigit() for way in ways)
    assert all(0 < len(term) <= LONGEST_TERM and "\x00" not in term for term in terms)
    for term in terms:
        assert term <= term + "x" < after(term)
        term.encode()


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_digits() -> None:
    assert digits("+49 (0) 30-123 ４５") == "4903012345"
