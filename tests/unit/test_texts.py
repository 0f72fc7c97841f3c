"""What people type is kept as they meant it, and nothing that a database cannot hold."""

import pytest

from core.errors import Invalid
from core.records import texts


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Meera   Iyer ", "Meera Iyer"),
        ("Meera\nIyer\t", "Meera Iyer"),
        ("Mee\x00ra\x07", "Meera"),
        ("Mu\u0308ller", "Müller"),
        ("अनिता\u200d", "अनिता\u200d"),
        ("\ud800x", "x"),
        (" \x00 ", None),
        ("", None),
        (None, None),
    ],
)
def test_one_line(typed: str | None, kept: str | None) -> None:
    assert texts.one_line(typed, field="name", longest=20) == kept


def test_notes_keep_their_lines() -> None:
    assert texts.notes("\n one\x00\n\ttwo\r\n ", field="notes") == "one\n\ttwo"


def test_too_long_is_said_and_not_cut() -> None:
    assert texts.one_line("x" * 20, field="name", longest=20) == "x" * 20
    with pytest.raises(Invalid, match="longer than 20 characters") as refused:
        texts.one_line("x" * 21, field="name", longest=20)
    assert refused.value.field == "name"
    with pytest.raises(Invalid, match=f"longer than {texts.LONGEST_NOTES} characters"):
        texts.notes("x" * (texts.LONGEST_NOTES + 1), field="notes")


@pytest.mark.parametrize("typed", ["", "  ", "\x00"])
def test_required(typed: str) -> None:
    with pytest.raises(Invalid, match=r"The name is missing\.") as refused:
        texts.required(typed, field="name", longest=20, missing="The name is missing.")
    assert refused.value.field == "name"
    assert texts.required(" a ", field="name", longest=20, missing="") == "a"
