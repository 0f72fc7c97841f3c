"""How long a next try waits."""

from datetime import timedelta

from core.records.throttle import LONGEST_DELAY, delay_after


def test_delays_grow_to_a_limit() -> None:
    assert [delay_after(tries).total_seconds() for tries in range(9)] == [0, 0, 0, 2, 4, 8, 16, 32, 64]
    delays = [delay_after(tries) for tries in range(60)]
    assert delays == sorted(delays)
    assert delays[-1] == delay_after(10**6) == LONGEST_DELAY == timedelta(minutes=15)
