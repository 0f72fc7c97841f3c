"""Passwords: their limits, and that only the right one is right."""

import pytest
from argon2 import PasswordHasher

from core.errors import Invalid
from core.records import passwords


def test_the_right_one_is_right_and_others_are_not() -> None:
    stored = passwords.hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert "correct horse" not in stored
    assert passwords.is_right("correct horse", stored)
    assert not passwords.is_right("correct horsf", stored)
    assert not passwords.is_right("", stored)
    assert not passwords.is_right("correct horse ", stored)


def test_one_password_has_a_new_hash_each_time() -> None:
    assert passwords.hash_password("correct horse") != passwords.hash_password("correct horse")


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 257])
def test_too_short_or_too_long(password: str) -> None:
    with pytest.raises(Invalid, match="10 to 256 characters") as refused:
        passwords.hash_password(password)
    assert refused.value.field == "password"


@pytest.mark.parametrize("password", ["x" * 10, "x" * 256, "पासवर्ड है यह"])
def test_the_limits_themselves_are_allowed(password: str) -> None:
    assert passwords.is_right(password, passwords.hash_password(password))


def test_a_longer_one_is_not_right_because_its_beginning_is() -> None:
    assert not passwords.is_right("x" * 257, passwords.hash_password("x" * 256))


def test_nobody_has_a_password() -> None:
    assert not passwords.is_right("nobody has this password", None)
    assert not passwords.is_right("", None)
    assert not passwords.is_right("anything at all", "not a hash")


def test_an_unknown_account_takes_as_much_work_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both verify one argon2 hash of the same cost, so that the time taken does not tell which accounts exist."""
    verified: list[str] = []
    real = PasswordHasher.verify

    def note(self: PasswordHasher, stored: str, password: str) -> bool:
        verified.append(stored)
        return bool(real(self, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", note)
    stored = passwords.hash_password("correct horse")
    passwords.is_right("a wrong one", stored)
    passwords.is_right("a wrong one", None)
    costs = [stored.split("$")[1:4] for stored in verified]
    assert len(costs) == 2 and costs[0] == costs[1]
