"""Whether a reading may be believed: the three outcomes, in the order of how far."""

from enum import StrEnum


class Certainty(StrEnum):
    """How far a reading can be used.

    CERTAIN: the image is like those the model learned from, and its answer is clear.
    UNCERTAIN: a lesion perhaps, but the model cannot say what: it needs review.
    UNREADABLE: no image of a lesion, or one that is too blurred or too badly lit; it has no answer.
    """

    CERTAIN = "certain"
    UNCERTAIN = "uncertain"
    UNREADABLE = "unreadable"
