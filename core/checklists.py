"""The two checklists that a clinician fills in by eye: the weighted 7-point checklist and dermoscopy's ABCD rule.

Both are the clinician's own judgement put into numbers. Neither uses a reading of a model, and neither is a diagnosis.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from core.errors import Invalid


class Advice(StrEnum):
    """What the source of a checklist says of a score."""

    NO_REFERRAL_BY_SCORE = "below the score for a referral"
    REFER = "refer"
    BENIGN_BY_SCORE = "benign by this score"
    SUSPICIOUS = "suspicious"
    HIGHLY_SUSPICIOUS = "highly suspicious"


class SevenPoint(StrEnum):
    """The features of the weighted 7-point checklist, in NICE's words; the first three are the major ones."""

    CHANGE_IN_SIZE = "change in size"
    IRREGULAR_SHAPE = "irregular shape"
    IRREGULAR_COLOUR = "irregular colour"
    LARGE_DIAMETER = "largest diameter 7 mm or more"
    INFLAMMATION = "inflammation"
    OOZING = "oozing"
    CHANGE_IN_SENSATION = "change in sensation"


MAJOR: Final = (SevenPoint.CHANGE_IN_SIZE, SevenPoint.IRREGULAR_SHAPE, SevenPoint.IRREGULAR_COLOUR)
"""Two points each; every other feature is minor and gives one."""

REFER_FROM: Final = 3
"""Points."""


def seven_point_score(features: Collection[SevenPoint]) -> int:
    """Points of the features that are present, 0 to 10: two for a major one, one for a minor one.

    The weighted 7-point checklist of NICE guideline NG12 (Suspected cancer: recognition and referral, skin cancers),
    validated by Walter et al., Br J Gen Pract 2013;63:e345.
    """
    return sum(2 if feature in MAJOR else 1 for feature in set(features))


def seven_point_advice(score: float) -> Advice:
    """REFER from a score of 3 (NICE NG12: a suspected cancer pathway referral for melanoma).

    A lower score rules nothing out: NG12 refers on dermoscopy, and on a suspicion of nodular melanoma, as well.
    """
    return Advice.REFER if score >= REFER_FROM else Advice.NO_REFERRAL_BY_SCORE


class Colour(StrEnum):
    """The six colours that the ABCD rule of dermoscopy counts. White counts only where lighter than the skin around."""

    WHITE = "white"
    RED = "red"
    LIGHT_BROWN = "light brown"
    DARK_BROWN = "dark brown"
    BLUE_GREY = "blue-grey"
    BLACK = "black"


class Structure(StrEnum):
    """The five dermoscopic structures that the ABCD rule counts.

    A structureless area counts from a tenth of the lesion; streaks and dots count from more than two.
    """

    NETWORK = "pigment network"
    STRUCTURELESS = "structureless areas"
    STREAKS = "branched streaks"
    DOTS = "dots"
    GLOBULES = "globules"


SUSPICIOUS_FROM: Final = 4.75
HIGHLY_SUSPICIOUS_ABOVE: Final = 5.45


def total_dermoscopy_score(
    *, asymmetry: int, border: int, colours: Collection[Colour], structures: Collection[Structure]
) -> float:
    """TDS = A * 1.3 + B * 0.1 + C * 0.5 + D * 0.5, from 1.0 to 8.9.

    Args:
        asymmetry: in how many of two axes at a right angle colour, structure or contour differ: 0, 1 or 2.
        border: in how many eighths the pigment pattern ends abruptly: 0 to 8.
        colours, structures: those that are seen, at least one of each.

    The ABCD rule of dermatoscopy: Stolz et al., Eur J Dermatol 1994;4:521; Nachbar et al., J Am Acad Dermatol
    1994;30:551. It is made for melanocytic lesions. Raises Invalid for what the rule does not know.
    """
    if asymmetry not in range(3):
        raise Invalid("Asymmetry is counted in 0, 1 or 2 axes.", field="asymmetry")
    if border not in range(9):
        raise Invalid("The border is counted in 0 to 8 eighths.", field="border")
    if not colours:
        raise Invalid("Which colours are seen? The rule counts at least one.", field="colours")
    if not structures:
        raise Invalid("Which structures are seen? The rule counts at least one.", field="structures")
    # In twentieths, so that a sum of tenths cannot fall beside a limit that it reaches.
    return (26 * asymmetry + 2 * border + 10 * len(set(colours)) + 10 * len(set(structures))) / 20


def total_dermoscopy_advice(score: float) -> Advice:
    """Below 4.75 benign, 4.75 to 5.45 suspicious, above 5.45 highly suspicious for melanoma (Nachbar et al. 1994)."""
    if score > HIGHLY_SUSPICIOUS_ABOVE:
        return Advice.HIGHLY_SUSPICIOUS
    return Advice.SUSPICIOUS if score >= SUSPICIOUS_FROM else Advice.BENIGN_BY_SCORE
