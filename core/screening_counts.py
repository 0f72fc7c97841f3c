"""How often the public page was used, by day: numbers without any tie to a person.

They lie in an SQLite file of their own in the data folder, so that the public page needs no connection on which a
patient could be seen.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from core.guidance import Outcome

_TABLE = """
    CREATE TABLE IF NOT EXISTS screening_count (
        day TEXT NOT NULL, what TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (day, what)
    ) WITHOUT ROWID
"""
_ADD_ONE = """
    INSERT INTO screening_count VALUES (?, ?, 1) ON CONFLICT (day, what) DO UPDATE SET number = number + 1
"""


class Counted(StrEnum):
    """What is counted: readings, outcomes that were shown, and refusals."""

    READ = "read"
    SEE_NOW = Outcome.SEE_NOW.value
    SEE_SOON = Outcome.SEE_SOON.value
    WATCH = Outcome.WATCH.value
    UNREADABLE = Outcome.UNREADABLE.value
    NO_IMAGE = "no image"
    BUSY = "busy"


class ScreeningCounts:
    """The counters in the file at `path`, which is made when something is first counted; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, what: Counted) -> None:
        """Count one more of `what` for today (UTC)."""
        with self._open() as connection:
            connection.execute(_TABLE)
            connection.execute(_ADD_ONE, (datetime.now(UTC).date().isoformat(), what))

    def by_day(self, *, days: int = 30) -> dict[date, dict[Counted, int]]:
        """The counts of the last `days` days on which there were any, the latest first."""
        if not self._path.exists():
            return {}
        since = (datetime.now(UTC).date() - timedelta(days=days - 1)).isoformat()
        query = "SELECT day, what, number FROM screening_count WHERE day >= ? ORDER BY day DESC"
        found: dict[date, dict[Counted, int]] = {}
        with self._open() as connection:
            for day, what, number in connection.execute(query, (since,)):
                found.setdefault(date.fromisoformat(day), dict.fromkeys(Counted, 0))[Counted(what)] = number
        return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=5)) as connection, connection:
            yield connection
