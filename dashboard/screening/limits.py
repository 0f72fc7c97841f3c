"""How much one address, and all together, may ask of the public page. Addresses stay in memory, for a minute."""

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Self

WINDOW = 60.0
"""Seconds over which an address is watched."""

MOST_ADDRESSES = 10_000
"""More are not watched at a time: those seen longest ago are forgotten first."""


@dataclass(frozen=True)
class ScreeningLimits:
    """What an address may ask for within a minute. Many people may share one, as in a clinic or on a mobile network.

    Attributes:
        uploads: photos sent.
        megabytes: their size together.
        requests: photos, answers and searches asked for.
    """

    uploads: int = 120
    megabytes: int = 1000
    requests: int = 1200

    @classmethod
    def for_uploads(cls, uploads: int) -> Self:
        """Limits for so many photos a minute; all else grows with them, and is never less than usual."""
        usual = cls()
        return cls(
            uploads=uploads,
            megabytes=max(usual.megabytes, usual.megabytes * uploads // usual.uploads),
            requests=max(usual.requests, usual.requests * uploads // usual.uploads),
        )


@dataclass
class _Seen:
    requests: deque[float] = field(default_factory=deque)
    uploads: deque[tuple[float, int]] = field(default_factory=deque)


class Visitors:
    """Who asked for what within the last minute."""

    def __init__(self, limits: ScreeningLimits) -> None:
        self._limits = limits
        self._seen: dict[str, _Seen] = {}
        self._lock = Lock()

    def let_in(self, address: str, *, upload_bytes: int | None = None) -> bool:
        """Whether `address` may make one more request; `upload_bytes` is the size of a photo that comes with it."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.pop(address, None) or _Seen()
            self._seen[address] = seen
            self._forget(now)
            while seen.requests and seen.requests[0] <= now - WINDOW:
                seen.requests.popleft()
            while seen.uploads and seen.uploads[0][0] <= now - WINDOW:
                seen.uploads.popleft()
            if len(seen.requests) >= self._limits.requests:
                return False
            if upload_bytes is not None:
                megabytes = (sum(size for _, size in seen.uploads) + upload_bytes) / 2**20
                if len(seen.uploads) >= self._limits.uploads or megabytes > self._limits.megabytes:
                    return False
                seen.uploads.append((now, upload_bytes))
            seen.requests.append(now)
            return True

    def _forget(self, now: float) -> None:
        """Drop whoever was last here more than a minute ago; those stand first."""
        while self._seen:
            address, seen = next(iter(self._seen.items()))
            gone = not seen.requests or seen.requests[-1] <= now - WINDOW
            if len(self._seen) <= MOST_ADDRESSES and (not gone or len(self._seen) == 1):
                return
            del self._seen[address]
