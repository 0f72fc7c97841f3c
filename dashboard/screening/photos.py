"""The readings of the people who are on the page now: in memory only, gone with the session or after ten minutes."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from core.guidance import Outcome
from core.vision.reader import Reading

KEPT_AT_MOST = 600.0
"""Seconds."""

MOST_PHOTOS = 500
"""More than so many are not kept at a time: the oldest go first. One takes about 0.3 MB."""


@dataclass
class Photo:
    """What is known of somebody's photo.

    Attributes:
        reading: None where the file was no image.
        region: the photo under its heat map, as HTML; empty where nothing was read.
        problem: why it cannot be read, in the person's language; empty where it can.
        outcome: what was last advised, None before that.
    """

    reading: Reading | None
    region: str = ""
    problem: str = ""
    outcome: Outcome | None = None


class Photos:
    """One photo a session at most; threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, Photo]] = OrderedDict()
        self._lock = Lock()

    def keep(self, session: str, photo: Photo) -> None:
        """Put `photo` in the place of the session's last one."""
        with self._lock:
            self._kept.pop(session, None)
            self._kept[session] = (time.monotonic(), photo)
            while len(self._kept) > MOST_PHOTOS:
                self._kept.popitem(last=False)

    def of(self, session: str) -> Photo | None:
        """The session's photo, or None."""
        self.sweep(older_than=KEPT_AT_MOST)
        with self._lock:
            return self._kept.get(session, (0.0, None))[1]

    def forget(self, session: str) -> None:
        """Drop what is known of the session's photo."""
        with self._lock:
            self._kept.pop(session, None)

    def sweep(self, *, older_than: float) -> None:
        """Drop what has been here for `older_than` seconds."""
        limit = time.monotonic() - older_than
        with self._lock:
            while self._kept and next(iter(self._kept.values()))[0] <= limit:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
