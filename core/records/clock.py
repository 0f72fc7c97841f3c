"""What time it is, in one place, so that every moment in the records is aware and in UTC."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today where the clinic is: the date that recalls and visits are held against."""
    return datetime.now().astimezone().date()
