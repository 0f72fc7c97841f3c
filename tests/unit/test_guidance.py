"""What the public is told: the more risk, never the milder, and never that all is well."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import guidance
from core.guidance import Outcome, decide
from core.taxonomy import Group

SEVERITY = {Outcome.WATCH: 0, Outcome.SEE_SOON: 1, Outcome.SEE_NOW: 2}
RISK = {Group.BENIGN: 0, Group.INDETERMINATE: 1, Group.MALIGNANT: 2}
PROBABILITIES = [step / 200 for step in range(201)] + [0.0299, 0.03, 0.0301, 0.4999, 0.5001, 1e-9]

REASSURING = [
    "all is well", "no need to worry", "don't worry", "do not worry", "nothing to worry", "no cause for concern",
    "benign", "harmless", "safe", "healthy", "all clear", "not cancerous", "looks fine", "is fine", "no sign of",
    "low risk", "relax", "no cancer", "unlikely", "you can wait", "not serious", "no action",
]  # fmt: skip


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, tuple):
        return [text for part in value for text in _texts(part)]
    if isinstance(value, guidance.Guidance):
        return _texts((value.headline, value.advice, value.signs, value.lists))
    return []


def _sentences() -> list[str]:
    """Everything in the module that can reach a page."""
    return [text for name, value in vars(guidance).items() if not name.startswith("__") for text in _texts(value)]


def test_more_risk_is_never_answered_more_mildly() -> None:
    inputs = list(itertools.product(PROBABILITIES, [False, True], Group))
    severity = {
        (probability, flagged, group): SEVERITY[decide(malignant_probability=probability, flagged=flagged, group=group)]
        for probability, flagged, group in inputs
    }
    rising = sorted(set(PROBABILITIES))
    for flagged, group in itertools.product([False, True], Group):
        along = [severity[probability, flagged, group] for probability in rising]
        assert along == sorted(along)
    for probability, group in itertools.product(PROBABILITIES, Group):
        assert severity[probability, False, group] <= severity[probability, True, group]
    for probability, flagged in itertools.product(PROBABILITIES, [False, True]):
        along = [severity[probability, flagged, group] for group in sorted(Group, key=RISK.__getitem__)]
        assert along == sorted(along)


@given(*[st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from(Group))] * 2)
def test_of_two_readings_the_one_with_more_in_every_respect_is_not_answered_more_mildly(one, other) -> None:
    if one[0] <= other[0] and one[1] <= other[1] and RISK[one[2]] <= RISK[other[2]]:
        first, second = (decide(malignant_probability=p, flagged=f, group=g) for p, f, g in (one, other))
        assert SEVERITY[first] <= SEVERITY[second]


@pytest.mark.parametrize(
    ("probability", "flagged", "group", "outcome"),
    [
        (0.9, True, Group.MALIGNANT, Outcome.SEE_NOW),
        (0.4, True, Group.BENIGN, Outcome.SEE_NOW),  # a mole leads, yet too much speaks for a cancer
        (0.3, False, Group.MALIGNANT, Outcome.SEE_NOW),
        (0.6, False, Group.BENIGN, Outcome.SEE_NOW),
        (0.2, False, Group.INDETERMINATE, Outcome.SEE_SOON),
        (0.03, False, Group.BENIGN, Outcome.SEE_SOON),
        (0.01, False, Group.BENIGN, Outcome.WATCH),
    ],
)
def test_outcomes(probability: float, flagged: bool, group: Group, outcome: Outcome) -> None:
    assert decide(malignant_probability=probability, flagged=flagged, group=group) is outcome


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan"), float("inf")])
def test_no_advice_from_what_is_no_probability(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        decide(malignant_probability=probability, flagged=False, group=Group.BENIGN)


def test_no_sentence_reassures() -> None:
    sentences = _sentences()
    assert len(sentences) > 60
    for sentence in sentences:
        for phrase in REASSURING:
            assert phrase not in sentence.lower().replace("’", "'"), sentence


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_says_when_to_go_to_a_doctor(outcome: Outcome) -> None:
    told = guidance.guidance(outcome)
    assert told.outcome is outcome
    assert told.headline
    assert told.advice
    assert "it itches, hurts, bleeds, oozes or forms a crust" in told.lists[-1][1]


def test_watching_names_the_five_signs_and_that_a_cancer_is_not_ruled_out() -> None:
    told = guidance.guidance(Outcome.WATCH)
    assert "".join(sign[0] for sign, _ in told.signs) == "ABCDE"
    assert "does not rule one out" in " ".join(told.advice)


def test_the_most_urgent_names_a_time() -> None:
    assert "within two weeks" in " ".join(guidance.guidance(Outcome.SEE_NOW).advice)


@pytest.mark.parametrize("group", Group)
def test_no_group_is_named_without_the_doctor_or_the_doubt(group: Group) -> None:
    assert "cancer" in guidance.group_words(group)
