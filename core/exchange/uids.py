"""Identifiers that stay the same in every export, wherever the records have moved to.

They are computed from what never changes of a row, its id and the moment it was made (to the microsecond), so that two
exports of one image agree, also after a backup was restored on another machine, and nothing has to be kept for it. They
hold no personal data, but whoever has the records can tell whose they are: they serve exports that name the patient
anyway. What leaves without identity uses `core.exchange.isic`'s pseudonyms instead.
"""

from datetime import datetime
from uuid import UUID, uuid5

_DERMTRAIL = UUID("8f4f8b7e-2f0c-5f1d-9c6a-4d3b6f0b7a51")
"""Drawn once at random; all our identifiers lie in this name space."""


def uuid_of(kind: str, row_id: int, made_at: datetime) -> UUID:
    """The identifier of a row of `kind`, such as "image" (RFC 9562, version 5)."""
    return uuid5(_DERMTRAIL, f"{kind}/{row_id}/{made_at.isoformat(timespec='microseconds')}")


def dicom_uid(kind: str, row_id: int, made_at: datetime) -> str:
    """The same as a DICOM UID: the UUID as a number under 2.25 (DICOM PS3.5, B.2), at most 44 characters."""
    return f"2.25.{uuid_of(kind, row_id, made_at).int}"
