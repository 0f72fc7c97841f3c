"""Which of four outcomes a reading and a person's answers lead to, and why.

The picture and the answers are judged apart, and the more urgent of the two is the outcome: an alarming answer counts
whatever the picture says. A picture that cannot be read adds nothing; without an alarming answer the outcome is then
`UNREADABLE`, and with one it is as urgent as the answer, `UNREADABLE` staying among the reasons.

The answers are scored after the weighted 7-point checklist of NICE NG12 (1.7.1): 2 points for a change, 1 each for
oozing and for a change in sensation, suspected cancer from 3 points on. A weakened defence, a family history or a first
appearance after 50 counts one point more beside such a sign; that is DermTrail's own, on the side of caution, and so is
that being unsure of a change or of bleeding is answered like the American Academy of Dermatology's "have it looked at".
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

from core import taxonomy
from core.errors import Invalid
from core.guidance.sentences import Outcome, Reason
from core.taxonomy import Group
from core.vision.certainty import Certainty

SOON_FROM = 0.03
"""From this malignant probability on a skin change is to be looked at soon: NICE NG12's 3 %."""

NOW_FROM = 0.1
"""From this malignant probability on it is to be seen now. Of the shipped model's validation images this sends 0.90 of
those that need attention and 0.34 of the benign ones to be seen now; all that the flag alone raises, 0.99 and 0.58, are
to be seen soon at least (docs/EXPERIMENTS.md, section 3)."""

SUSPECTED_FROM = 3
"""Points of the checklist from which NICE NG12 asks for an appointment within two weeks."""

URGENCY = {Outcome.WATCH: 0, Outcome.UNREADABLE: 0, Outcome.SEE_SOON: 1, Outcome.SEE_NOW: 2}
"""How urgent an outcome is; a picture that could not be read says neither more nor less than one to watch."""


class Answer(StrEnum):
    """What a person says to a question. Not to answer is None, and counts no more than NO."""

    NO = "no"
    NOT_SURE = "not sure"
    YES = "yes"


@dataclass(frozen=True)
class Answers:
    """What a person says of a spot and of themselves; each is an `Answer`, or None where it was not answered.

    Attributes:
        changing: has it changed in size, shape or colour?
        bleeding: does it bleed, ooze or form a crust?
        itching: does it itch, hurt or feel different?
        new_after_50: is it new, and is the person over 50?
        family_history: had a parent, brother, sister or child a melanoma?
        immune_suppression: is the person's immune system weakened by an illness or a medicine?
    """

    changing: Answer | None = None
    bleeding: Answer | None = None
    itching: Answer | None = None
    new_after_50: Answer | None = None
    family_history: Answer | None = None
    immune_suppression: Answer | None = None

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Answers from a JSON object: the attributes' names with "yes", "no", "not sure" or null; any may be missing.

        Raises Invalid, which says what is wrong and what would be right.
        """
        try:
            given = json.loads(text)
        # Deeply nested JSON ends the parser with a RecursionError.
        except (ValueError, RecursionError) as error:
            raise Invalid("The answers are not JSON.", field="answers") from error
        if not isinstance(given, dict):
            raise Invalid('The answers must be a JSON object, such as {"changing": "yes"}.', field="answers")
        names = [field.name for field in fields(cls)]
        if unknown := [name for name in given if name not in names]:
            raise Invalid(f"There is no question {unknown[0][:40]!r}; there are: {', '.join(names)}.", field="answers")
        return cls(**{name: _answer(name, value) for name, value in given.items()})


def _answer(name: str, value: object) -> Answer | None:
    if value is None:
        return None
    if isinstance(value, str) and value in list(Answer):
        return Answer(value)
    raise Invalid(f'The answer to {name!r} must be "yes", "no", "not sure" or null.', field="answers")


@dataclass(frozen=True)
class Decision:
    """An outcome, and what led to it, the most urgent first."""

    outcome: Outcome
    reasons: tuple[Reason, ...]


def decide(
    *,
    malignant_probability: float,
    flagged: bool,
    group: Group,
    certainty: Certainty = Certainty.CERTAIN,
    prediction_set: Iterable[str] = (),
    answers: Answers | None = None,
) -> Decision:
    """What to do after a reading (the first five are `Reading`'s attributes) and with a person's answers.

    It never grows milder when the probability rises, when the flag is set, when the leading class goes from benign to
    precancerous to malignant, when the reading goes from certain to uncertain, when a class joins the prediction set,
    or when an answer goes from "no" over "not sure" to "yes".

    Args:
        malignant_probability: calibrated, 0..1.
        flagged: whether it reaches the model's threshold.
        group: of the leading class.
        certainty: how far the reading may be believed.
        prediction_set: the names of the classes that the conformal set holds. An empty one rules nothing out that the
            other arguments have not; a reading to which no class conforms is UNCERTAIN.
        answers: None is as no answer at all.

    Raises ValueError for a probability outside 0..1, KeyError for a class that there is not.
    """
    if not 0 <= malignant_probability <= 1:
        raise ValueError(f"a probability lies between 0 and 1, not {malignant_probability}")
    in_set = {taxonomy.term(name).group for name in prediction_set}
    if certainty is Certainty.UNREADABLE:
        picture = {Reason.UNREADABLE: Outcome.UNREADABLE}
    else:
        picture = _of_picture(malignant_probability, flagged, group, certainty, in_set)
    found = picture | _of_answers(answers or Answers())
    reasons = sorted(found, key=lambda reason: -URGENCY[found[reason]])
    return Decision(found[reasons[0]], tuple(reasons))


def _of_picture(
    probability: float, flagged: bool, group: Group, certainty: Certainty, in_set: set[Group]
) -> dict[Reason, Outcome]:
    """What of a readable picture calls for what."""
    risky_set = bool(in_set - {Group.BENIGN})
    signs = {
        Reason.HIGH: (probability >= NOW_FROM, Outcome.SEE_NOW),
        Reason.LEADS_MALIGNANT: (group is Group.MALIGNANT, Outcome.SEE_NOW),
        Reason.FLAGGED: (flagged, Outcome.SEE_SOON),
        Reason.LEADS_PRECANCEROUS: (group is Group.INDETERMINATE, Outcome.SEE_SOON),
        Reason.RAISED: (SOON_FROM <= probability < NOW_FROM, Outcome.SEE_SOON),
        Reason.NOT_RULED_OUT: (risky_set, Outcome.SEE_SOON),
        Reason.UNCERTAIN: (certainty is Certainty.UNCERTAIN, Outcome.SEE_SOON),
    }
    return _those(signs) or {Reason.FEW_SIGNS: Outcome.WATCH}


def _of_answers(answers: Answers) -> dict[Reason, Outcome]:
    """What of the answers calls for what, whatever the picture says."""
    yes = {field.name: getattr(answers, field.name) is Answer.YES for field in fields(answers)}
    checklist = 2 * yes["changing"] + yes["bleeding"] + yes["itching"]
    at_risk = yes["new_after_50"] or yes["family_history"] or yes["immune_suppression"]
    points = checklist + (at_risk and checklist > 0)
    unsure = Answer.NOT_SURE in (answers.changing, answers.bleeding)
    signs = {
        Reason.CHECKLIST: (points >= SUSPECTED_FROM, Outcome.SEE_NOW),
        Reason.CHANGING: (yes["changing"], Outcome.SEE_SOON),
        Reason.BLEEDING: (yes["bleeding"], Outcome.SEE_SOON),
        Reason.ITCHING: (yes["itching"], Outcome.SEE_SOON),
        Reason.NEW_AFTER_50: (yes["new_after_50"], Outcome.SEE_SOON),
        Reason.FAMILY_HISTORY: (yes["family_history"], Outcome.SEE_SOON),
        Reason.IMMUNE_SUPPRESSION: (yes["immune_suppression"], Outcome.SEE_SOON),
        Reason.UNSURE: (unsure, Outcome.SEE_SOON),
    }
    return _those(signs)


def _those(signs: dict[Reason, tuple[bool, Outcome]]) -> dict[Reason, Outcome]:
    return {reason: outcome for reason, (there, outcome) in signs.items() if there}
