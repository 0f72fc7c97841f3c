"""What a member of the public is told after a reading.

Three rules hold. Nothing reassures: a picture cannot rule out a cancer, and a program that says so costs lives. What is
advised depends on the calibrated probability, its threshold, how far the reading may be believed, the conformal set and
what the person answers, never on the leading class alone; and more risk is never answered with milder advice. A reading
is a resemblance, never a diagnosis.

`rules` decides, `sentences` holds every medical sentence with its source, `words` the rest of the public page's text.
"""

from core.guidance.rules import Answer, Answers, Decision, decide
from core.guidance.sentences import Guidance, Outcome, Reason, guidance, reason_sentence

__all__ = [
    "Answer",
    "Answers",
    "Decision",
    "Guidance",
    "Outcome",
    "Reason",
    "decide",
    "guidance",
    "reason_sentence",
]
