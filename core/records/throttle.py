"""Sign-in tries are counted, and after a few wrong ones each next one has to wait longer.

They are counted by name before the password is looked at, so that many tries sent at one moment wait as well, and for
names that nobody has just as for the others, so that the delay does not tell which accounts exist. What was typed as a
name may be a password typed into the wrong field: only a number of 20 bits that comes of it is kept.
"""

import math
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import SignInFailed
from core.records import clock
from core.records.tables import SignInTries

FREE_TRIES = 3
"""So many wrong passwords cost nothing but the typing."""

LONGEST_DELAY = timedelta(minutes=15)


def delay_after(failed_tries: int) -> timedelta:
    """How long the next try waits after so many wrong passwords in a row: 2, 4, 8 ... seconds after the free tries."""
    if failed_tries < FREE_TRIES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failed_tries - FREE_TRIES + 1, 20)), LONGEST_DELAY)


def count_try(session: Session, name: str) -> None:
    """Count a try, which is a wrong one until `forget` says otherwise. Raises SignInFailed where it came too early.

    The caller keeps other tries out until the transaction ends.
    """
    row = session.scalar(select(SignInTries).where(SignInTries.bucket == _bucket(name)))
    moment = clock.now()
    if row is None:
        session.add(SignInTries(bucket=_bucket(name), tries=1, last_at=moment))
        return
    left = (row.last_at + delay_after(row.tries) - moment).total_seconds()
    if left > 0:
        raise SignInFailed(f"Too many tries. Wait {math.ceil(left)} seconds, then try again.", retry_after=left)
    row.tries += 1
    row.last_at = moment


def forget(session: Session, name: str) -> None:
    """Start counting anew, after a right password or for a new one."""
    session.execute(delete(SignInTries).where(SignInTries.bucket == _bucket(name)))


def _bucket(name: str) -> int:
    return int(sha256(name.encode(errors="replace")).hexdigest()[:5], 16)
