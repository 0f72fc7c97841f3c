"""How much one address may ask of the public page."""

import pytest

from dashboard.screening import limits
from dashboard.screening.limits import ScreeningLimits, Visitors


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test moves."""
    now = [1000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    return now


def test_an_address_waits_for_its_minute_to_pass_and_holds_nobody_else_up(moment: list[float]) -> None:
    visitors = Visitors(ScreeningLimits(uploads=2, requests=5))
    assert [visitors.let_in("a", upload_bytes=1) for _ in range(3)] == [True, True, False]
    assert visitors.let_in("b", upload_bytes=1)
    assert [visitors.let_in("a") for _ in range(4)] == [True, True, True, False]
    moment[0] += 61
    assert visitors.let_in("a", upload_bytes=1)


def test_whoever_may_send_more_photos_may_ask_for_more_of_everything() -> None:
    assert ScreeningLimits.for_uploads(120) == ScreeningLimits()
    assert ScreeningLimits.for_uploads(240) == ScreeningLimits(uploads=240, megabytes=2000, requests=2400)
    # A single photo may be as large as ever, and its answers be asked for.
    assert ScreeningLimits.for_uploads(1) == ScreeningLimits(uploads=1)


def test_bytes_count_as_well(moment: list[float]) -> None:
    visitors = Visitors(ScreeningLimits(megabytes=3))
    assert [visitors.let_in("a", upload_bytes=2 * 2**20) for _ in range(2)] == [True, False]


def test_no_address_is_remembered_for_long(moment: list[float]) -> None:
    visitors = Visitors(ScreeningLimits())
    for number in range(100):
        visitors.let_in(f"10.0.0.{number}")
    moment[0] += 61
    visitors.let_in("b")
    assert list(visitors._seen) == ["b"]
