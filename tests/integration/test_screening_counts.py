"""The public page's counters: numbers by day, and nothing else."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

from core.screening_counts import Counted, ScreeningCounts


def test_numbers_by_day_from_several_threads(tmp_path: Path) -> None:
    counts = ScreeningCounts(tmp_path / "counts.db")
    assert counts.by_day() == {}
    threads = [threading.Thread(target=lambda: [counts.add(Counted.READ) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.add(Counted.BUSY)
    today = counts.by_day()[datetime.now(UTC).date()]
    assert (today[Counted.READ], today[Counted.BUSY], today[Counted.SEE_NOW]) == (40, 1, 0)


def test_the_file_holds_a_day_a_word_and_a_number(tmp_path: Path) -> None:
    counts = ScreeningCounts(tmp_path / "counts.db")
    counts.add(Counted.WATCH)
    with sqlite3.connect(tmp_path / "counts.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("screening_count",)]
        assert connection.execute("SELECT * FROM screening_count").fetchall() == [
            (datetime.now(UTC).date().isoformat(), "watch", 1)
        ]


def test_days_long_ago_are_not_shown(tmp_path: Path) -> None:
    counts = ScreeningCounts(tmp_path / "counts.db")
    counts.add(Counted.READ)
    with sqlite3.connect(tmp_path / "counts.db") as connection:
        connection.execute("INSERT INTO screening_count VALUES ('2020-02-02', 'read', 5)")
    assert list(counts.by_day(days=30)) == [datetime.now(UTC).date()]
