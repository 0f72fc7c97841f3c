"""Every error that DermTrail raises on purpose.

    DermTrailError
    ├── Invalid             what was entered cannot be kept; `field` names the culprit where there is one
    │   └── UnreadableImage a file that is no image, or one that cannot be taken in
    ├── NotFound            there is no such thing
    ├── Conflict            somebody else was first
    │   ├── LikelyDuplicate a record like this one exists already, and nobody said that it is another person
    │   └── OtherPatient    a file that names another patient than the chart's, and nobody said that they are the same
    ├── NotAllowed          the person signed in may not do this
    ├── SignInFailed        wrong name or password, or too many tries
    └── Unavailable         a part that is needed does not answer (model, database)

The message of each is a sentence that can be shown to the person who caused it, and holds nothing about a patient.
"""


class DermTrailError(Exception):
    """Root of the tree."""


class Invalid(DermTrailError):
    """What was entered cannot be kept. `field` is the name of the field at fault, or None."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnreadableImage(Invalid):
    """A file that is no image, or one that cannot be taken in."""


class NotFound(DermTrailError):
    """There is no such thing."""


class Conflict(DermTrailError):
    """Somebody else was first: the record has changed since it was read, or the name is taken."""


class LikelyDuplicate(Conflict):
    """A record like this one exists already. `candidates` are the ids of those that resemble it."""

    def __init__(self, message: str, *, candidates: list[int]) -> None:
        super().__init__(message)
        self.candidates = candidates


class OtherPatient(Conflict):
    """A file names another patient than the one whose chart it was to go into, or none."""


class NotAllowed(DermTrailError):
    """The person signed in may not do this."""


class SignInFailed(DermTrailError):
    """Wrong name or password, or too many tries. `retry_after` is how many seconds to wait before the next."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(DermTrailError):
    """A part that is needed does not answer."""
