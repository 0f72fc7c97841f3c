"""Shares and their intervals."""

import pytest

from core.proportion import Proportion


# Newcombe, Stat Med 1998;17:857, table I, method 3 (score, without continuity correction).
@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval(count: int, of: int, low: float, high: float) -> None:
    share = Proportion(count, of)
    assert share.value == count / of
    assert (share.low, share.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_interval_stays_within_what_a_share_can_be() -> None:
    for of in (1, 2, 30, 1000):
        none, all_of_them = Proportion(0, of), Proportion(of, of)
        assert (none.low, all_of_them.high) == (0, pytest.approx(1))
        assert none.high is not None and none.high == pytest.approx(1 - (all_of_them.low or 0))


def test_nothing_to_count_gives_no_share() -> None:
    assert (Proportion(0, 0).value, Proportion(0, 0).low, Proportion(0, 0).high) == (None, None, None)
