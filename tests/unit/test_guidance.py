"""What the public is told: the more risk, never the milder, and never that all is well."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.guidance import Answer, Answers, Outcome, Reason, decide, guidance, reason_sentence, rules
from core.guidance.sentences import QUESTIONS, Sentence, group_words
from core.languages.messages import messages
from core.taxonomy import Group
from core.vision.certainty import Certainty

RISK = {Group.BENIGN: 0, Group.INDETERMINATE: 1, Group.MALIGNANT: 2}
ANSWERS = (None, Answer.NO, Answer.NOT_SURE, Answer.YES)
PROBABILITIES = (0.0, 0.0299, 0.03, 0.0999, 0.1, 0.5, 1.0)
SETS = ((), ("nevus",), ("nevus", "actinic keratosis"), ("nevus", "actinic keratosis", "melanoma"))
PICTURES = tuple(itertools.product(PROBABILITIES, (False, True), Group, Certainty, SETS))

REASSURING = [
    "all is well", "no need to worry", "don't worry", "do not worry", "nothing to worry", "no cause for concern",
    "harmless", "safe", "healthy", "all clear", "not cancerous", "looks fine", "is fine", "no sign of",
    "low risk", "relax", "no cancer", "unlikely", "you can wait", "not serious", "no action",
]  # fmt: skip


def _urgency(picture: tuple, answers: Answers | None = None) -> int:
    probability, flagged, group, certainty, in_set = picture
    decision = decide(
        malignant_probability=probability,
        flagged=flagged,
        group=group,
        certainty=certainty,
        prediction_set=in_set,
        answers=answers,
    )
    return rules.URGENCY[decision.outcome]


def _riskier(picture: tuple) -> list[tuple]:
    """Every picture one step further along one argument. A picture that cannot be read is in no order to the others."""
    probability, flagged, group, certainty, in_set = picture
    found = [(higher, flagged, group, certainty, in_set) for higher in PROBABILITIES if higher > probability]
    found += [(probability, True, group, certainty, in_set)]
    found += [(probability, flagged, worse, certainty, in_set) for worse in Group if RISK[worse] > RISK[group]]
    found += [(probability, flagged, group, certainty, more) for more in SETS if set(more) > set(in_set)]
    if certainty is Certainty.CERTAIN:
        found.append((probability, flagged, group, Certainty.UNCERTAIN, in_set))
    return found


def _every_answers() -> list[Answers]:
    return [Answers(*chosen) for chosen in itertools.product(ANSWERS, repeat=len(QUESTIONS))]


def test_more_risk_in_the_picture_is_never_answered_more_mildly() -> None:
    some = [None, Answers(changing=Answer.YES), Answers(bleeding=Answer.YES, changing=Answer.YES)]
    for answers in some:
        urgency = {picture: _urgency(picture, answers) for picture in PICTURES}
        for picture in PICTURES:
            for riskier in _riskier(picture):
                assert urgency[picture] <= urgency[riskier], (picture, riskier, answers)


def test_a_riskier_answer_is_never_answered_more_mildly_in_any_of_all_combinations() -> None:
    # One picture of each outcome: the two are judged apart, and the more urgent is told.
    pictures = (
        (0.0, False, Group.BENIGN, Certainty.CERTAIN, ("nevus",)),
        (0.0, False, Group.BENIGN, Certainty.UNREADABLE, ("nevus",)),
        (0.05, True, Group.BENIGN, Certainty.CERTAIN, ("nevus",)),
        (0.9, True, Group.MALIGNANT, Certainty.CERTAIN, ("melanoma",)),
    )
    every = _every_answers()
    assert len(every) == 4**6
    for picture in pictures:
        urgency = {answers: _urgency(picture, answers) for answers in every}
        for answers in every:
            given_answers = [getattr(answers, name) for name in QUESTIONS]
            for place, answer in enumerate(given_answers):
                for riskier in ANSWERS[ANSWERS.index(answer) + 1 :]:
                    changed = Answers(*given_answers[:place], riskier, *given_answers[place + 1 :])
                    assert urgency[answers] <= urgency[changed], (picture, answers, changed)


def test_picture_and_answers_are_judged_apart_and_the_more_urgent_is_told() -> None:
    outcomes = {picture: _urgency(picture) for picture in PICTURES}
    alone = (0.0, False, Group.BENIGN, Certainty.CERTAIN, ("nevus",))
    for answers in _every_answers()[::37]:
        for picture in PICTURES[::11]:
            assert _urgency(picture, answers) == max(outcomes[picture], _urgency(alone, answers))


@given(*[st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from(Group))] * 2)
def test_of_two_readings_the_one_with_more_in_every_respect_is_not_answered_more_mildly(one, other) -> None:
    if one[0] <= other[0] and one[1] <= other[1] and RISK[one[2]] <= RISK[other[2]]:
        first, second = (_urgency((*picture, Certainty.CERTAIN, ())) for picture in (one, other))
        assert first <= second


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({"malignant_probability": 0.9, "flagged": True, "group": Group.MALIGNANT}, Outcome.SEE_NOW),
        # A mole leads, yet too much speaks for a cancer.
        ({"malignant_probability": 0.4, "flagged": True}, Outcome.SEE_NOW),
        ({"malignant_probability": 0.1}, Outcome.SEE_NOW),
        # The flag is set low: alone it asks for a doctor, not for one today.
        ({"malignant_probability": 0.0999, "flagged": True}, Outcome.SEE_SOON),
        ({"malignant_probability": 0.0999, "flagged": True, "group": Group.MALIGNANT}, Outcome.SEE_NOW),
        ({"malignant_probability": 0.02, "group": Group.INDETERMINATE}, Outcome.SEE_SOON),
        ({"malignant_probability": 0.03}, Outcome.SEE_SOON),
        ({"prediction_set": ("nevus", "actinic keratosis")}, Outcome.SEE_SOON),
        ({"prediction_set": ("nevus", "melanoma")}, Outcome.SEE_SOON),
        ({"certainty": Certainty.UNCERTAIN}, Outcome.SEE_SOON),
        ({"prediction_set": ("nevus", "dermatofibroma")}, Outcome.WATCH),
        ({"answers": Answers(*[Answer.NO] * 6)}, Outcome.WATCH),
        ({"certainty": Certainty.UNREADABLE, "malignant_probability": 0.9, "flagged": True}, Outcome.UNREADABLE),
        ({"certainty": Certainty.UNREADABLE, "answers": Answers(itching=Answer.YES)}, Outcome.SEE_SOON),
        (
            {"certainty": Certainty.UNREADABLE, "answers": Answers(changing=Answer.YES, bleeding=Answer.YES)},
            Outcome.SEE_NOW,
        ),
        ({"answers": Answers(changing=Answer.NOT_SURE)}, Outcome.SEE_SOON),
        # Two points of NICE's checklist, and one more for who is at higher risk.
        ({"answers": Answers(changing=Answer.YES)}, Outcome.SEE_SOON),
        ({"answers": Answers(changing=Answer.YES, family_history=Answer.YES)}, Outcome.SEE_NOW),
    ],
)
def test_outcomes(arguments: dict, outcome: Outcome) -> None:
    least = {"malignant_probability": 0.01, "flagged": False, "group": Group.BENIGN}
    assert decide(**least | arguments).outcome is outcome


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_changes_the_answer_whatever_the_picture_says(question: str) -> None:
    calm = {"malignant_probability": 0.0, "flagged": False, "group": Group.BENIGN}
    assert decide(**calm).outcome is Outcome.WATCH
    assert decide(**calm, answers=Answers(**{question: Answer.YES})).outcome is Outcome.SEE_SOON


def test_what_could_not_be_read_stays_among_the_reasons() -> None:
    decision = decide(
        malignant_probability=0.0,
        flagged=False,
        group=Group.BENIGN,
        certainty=Certainty.UNREADABLE,
        answers=Answers(bleeding=Answer.YES),
    )
    assert decision.reasons == (Reason.BLEEDING, Reason.UNREADABLE)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan"), float("inf")])
def test_no_advice_from_what_is_no_probability(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        decide(malignant_probability=probability, flagged=False, group=Group.BENIGN)


def test_answers_from_json() -> None:
    text = json.dumps({"changing": "yes", "bleeding": "not sure", "itching": None})
    assert Answers.from_json(text) == Answers(changing=Answer.YES, bleeding=Answer.NOT_SURE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yes", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "JSON object"),
        ('{"bleed": "yes"}', "no question 'bleed'"),
        ('{"bleeding": "maybe"}', "answer to 'bleeding'"),
        ('{"bleeding": true}', "answer to 'bleeding'"),
        ('{"bleeding": ["yes"]}', "answer to 'bleeding'"),
    ],
)
def test_answers_that_are_none_are_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        Answers.from_json(text)


def test_no_sentence_reassures() -> None:
    assert len(messages()) > 120
    for sentence in messages():
        for phrase in REASSURING:
            assert phrase not in sentence.lower().replace("’", "'"), sentence


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_told_with_its_source(reason: Reason) -> None:
    sentence = reason_sentence(reason)
    assert isinstance(sentence, Sentence)
    assert sentence.source


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_says_when_to_go_to_a_doctor(outcome: Outcome) -> None:
    told = guidance(outcome)
    assert told.outcome is outcome
    assert told.headline
    assert told.advice
    assert "it itches, hurts, bleeds, oozes or forms a crust" in told.lists[-1][1]


def test_watching_names_the_five_signs_and_that_a_cancer_is_not_ruled_out() -> None:
    told = guidance(Outcome.WATCH)
    assert "".join(sign[0] for sign, _ in told.signs) == "ABCDE"
    assert "do not rule a cancer out" in " ".join(told.advice)


def test_the_most_urgent_names_a_time() -> None:
    assert "within two weeks" in " ".join(guidance(Outcome.SEE_NOW).advice)


@pytest.mark.parametrize("group", Group)
def test_no_group_is_named_without_the_doctor_or_the_doubt(group: Group) -> None:
    assert "cancer" in group_words(group)
