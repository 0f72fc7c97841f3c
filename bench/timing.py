"""Measuring by turns: whatever else the machine does then slows all that is compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        value: the number, in `unit`; "x" is a ratio.
        aim: what it should be, in words; empty where nothing was promised.
        reached: whether it is; None where there is no aim.
    """

    name: str
    value: float
    unit: str
    aim: str = ""
    reached: bool | None = None


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    """A figure that should not exceed `limit`."""
    return Figure(name, value, unit, f"at most {limit:g}", value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Figure:
    """A figure that should reach `limit`."""
    return Figure(name, value, unit, f"at least {limit:g}", value >= limit)


def by_turns(contestants: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Seconds that a call of each takes: the median over `rounds`, in each of which every one is called once.

    One round before them warms up and does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, call in contestants.items():
            start = perf_counter()
            call()
            if number:
                taken[name].append(perf_counter() - start)
    return {name: median(seconds) for name, seconds in taken.items()}
