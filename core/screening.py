"""What the public is advised about a reading, for the page, the command line and programs alike."""

from typing import Any

from core.guidance import Answers, Decision, decide, reason_sentence
from core.vision.reader import Reading


def decided(reading: Reading, answers: Answers) -> Decision:
    """The outcome of a reading and of a person's answers."""
    return decide(
        # A sum of nine rounded numbers may lie a hair above 1.
        malignant_probability=min(reading.malignant_probability, 1.0),
        flagged=reading.flagged,
        group=reading.group,
        certainty=reading.certainty,
        prediction_set=reading.prediction_set,
        answers=answers,
    )


def as_fields(decision: Decision) -> dict[str, Any]:
    """A decision as JSON: `outcome`, and `why` as sentences, the most urgent first."""
    return {"outcome": decision.outcome, "why": [str(reason_sentence(reason)) for reason in decision.reasons]}
