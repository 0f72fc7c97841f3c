"""The two checklists: their points, their limits, and what they refuse."""

from itertools import chain, combinations

import pytest

from core.checklists import (
    MAJOR,
    Advice,
    Colour,
    SevenPoint,
    Structure,
    seven_point_advice,
    seven_point_score,
    total_dermoscopy_advice,
    total_dermoscopy_score,
)
from core.errors import Invalid

ONE = {"colours": [Colour.DARK_BROWN], "structures": [Structure.NETWORK]}


def test_a_major_feature_gives_two_points_and_a_minor_one_one() -> None:
    assert {feature: seven_point_score([feature]) for feature in SevenPoint} == {
        SevenPoint.CHANGE_IN_SIZE: 2,
        SevenPoint.IRREGULAR_SHAPE: 2,
        SevenPoint.IRREGULAR_COLOUR: 2,
        SevenPoint.LARGE_DIAMETER: 1,
        SevenPoint.INFLAMMATION: 1,
        SevenPoint.OOZING: 1,
        SevenPoint.CHANGE_IN_SENSATION: 1,
    }
    assert seven_point_score(list(SevenPoint)) == 10
    assert seven_point_score([SevenPoint.OOZING, SevenPoint.OOZING]) == 1


def test_three_points_warrant_a_referral() -> None:
    every = chain.from_iterable(combinations(SevenPoint, size) for size in range(8))
    for features in every:
        major = len(set(features) & set(MAJOR))
        expected = major >= 2 or (major == 1 and len(features) > 1) or len(features) >= 3
        assert (seven_point_advice(seven_point_score(features)) is Advice.REFER) == expected, features


@pytest.mark.parametrize(
    ("counts", "score", "advice"),
    [
        ((0, 0, 1, 1), 1.0, Advice.BENIGN_BY_SCORE),
        ((2, 8, 6, 5), 8.9, Advice.HIGHLY_SUSPICIOUS),
        # 2.6 + 0.1 + 1.0 + 1.0
        ((2, 1, 2, 2), 4.7, Advice.BENIGN_BY_SCORE),
        # 1.3 + 0.4 + 1.5 + 1.5
        ((1, 4, 3, 3), 4.7, Advice.BENIGN_BY_SCORE),
        ((2, 2, 2, 2), 4.8, Advice.SUSPICIOUS),
        ((2, 4, 2, 3), 5.5, Advice.HIGHLY_SUSPICIOUS),
        ((2, 3, 3, 2), 5.4, Advice.SUSPICIOUS),
    ],
)
def test_the_total_dermoscopy_score(counts: tuple[int, int, int, int], score: float, advice: Advice) -> None:
    asymmetry, border, colours, structures = counts
    found = total_dermoscopy_score(
        asymmetry=asymmetry,
        border=border,
        colours=list(Colour)[:colours],
        structures=list(Structure)[:structures],
    )
    assert found == score
    assert total_dermoscopy_advice(found) is advice


@pytest.mark.parametrize(
    ("score", "advice"),
    [
        (4.7499, Advice.BENIGN_BY_SCORE),
        (4.75, Advice.SUSPICIOUS),
        (5.45, Advice.SUSPICIOUS),
        (5.4501, Advice.HIGHLY_SUSPICIOUS),
    ],
)
def test_the_limits_belong_to_the_suspicious(score: float, advice: Advice) -> None:
    assert total_dermoscopy_advice(score) is advice


@pytest.mark.parametrize(
    ("field", "value"),
    [("asymmetry", 3), ("asymmetry", -1), ("border", 9), ("border", -1), ("colours", []), ("structures", [])],
)
def test_what_the_rule_does_not_know(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        total_dermoscopy_score(**{"asymmetry": 0, "border": 0, **ONE, field: value})  # type: ignore[arg-type]
    assert refusal.value.field == field
