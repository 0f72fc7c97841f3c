"""What `python -m training evaluate --json` writes: an `Evaluation`, key by key.

These models are the one place where the keys are documented. Figures are shares (0..1) of images unless they say
otherwise; each is a `Figure` with a 95 % interval. None means that the images at hand do not give it, or too few of
them do (`Evaluation.at_least`). Keys stay as they are while `Evaluation.format` does.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from training.bootstrap import Interval


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Documented):
    """A figure and the interval that 95 % of the resamples over lesions fall into."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, interval: Interval) -> Self:
        """The same, to be written."""
        return cls(value=interval.value, low=interval.low, high=interval.high)


NOTHING = Figure(value=None, low=None, high=None)
"""Where there is no figure."""


class ClassFigures(_Documented):
    """One label against the others of its task. The AUC ranks by the probability summed over the label's classes."""

    images: int
    lesions: int
    sensitivity: Figure
    specificity: Figure
    auc: Figure


class Task(_Documented):
    """Telling the labels of one vocabulary apart.

    Probabilities are summed over the classes of a label; the answer is the label with the highest sum. Classes outside
    all labels are not predicted.

    Attributes:
        labels: each label and the classes it covers.
        balanced_accuracy, macro_auc: means over the labels that occur.
        confusion: images by true label (rows) and answer (columns), in the order of `labels`.
    """

    images: int
    lesions: int
    labels: dict[str, list[str]]
    accuracy: Figure
    balanced_accuracy: Figure
    macro_auc: Figure
    classes: dict[str, ClassFigures]
    confusion: list[list[int]]


class NeedsAttention(_Documented):
    """Malignant or indeterminate against benign, by the summed probability, at the threshold of the model file."""

    positives: int
    negatives: int
    threshold: float
    auc: Figure
    sensitivity: Figure
    specificity: Figure


class Bin(_Documented):
    """One bar of the reliability diagram: the images whose confidence lies between `low` and `high`."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


class Calibration(_Documented):
    """How far the confidence of the leading label is from how often it is right, on the first task. Empty bins lack."""

    images: int
    ece: Figure
    bins: list[Bin]


class Point(_Documented):
    """Reading only the most confident images: their share, and the share of errors among them."""

    coverage: float
    risk: float


class Selective(_Documented):
    """Risk against coverage on the first task, and the area under that curve (lower is better)."""

    aurc: Figure
    curve: list[Point]


class Certainty(_Documented):
    """Shares of the three outcomes of a reading, and the first task's accuracy among the certain ones."""

    certain: Figure
    uncertain: Figure
    unreadable: Figure
    accuracy_of_certain: Figure


class PredictionSets(_Documented):
    """Conformal prediction sets: how often they hold a true class, and how many classes they name.

    Attributes:
        coverage_by_class: for images whose label is one class.
        sizes: images by the size of their set.
    """

    coverage: Figure
    mean_size: Figure
    coverage_by_class: dict[str, Figure]
    sizes: dict[str, int]


class Group(_Documented):
    """All figures of some images.

    Attributes:
        tasks: the first is what the labels at hand allow at their finest; others sum it up to HAM10000's seven.
            Keys: "nine_classes", "ham10000", "isic2017", or "labels" where the labels are none of these vocabularies.
        certainty, prediction_sets: None where the model file has no such statistics.
    """

    images: int
    lesions: int
    tasks: dict[str, Task]
    needs_attention: NeedsAttention
    calibration: Calibration
    selective: Selective
    certainty: Certainty | None
    prediction_sets: PredictionSets | None


class OneAgainstOther(_Documented):
    """Melanoma against nevus by the melanoma's probability, within one source."""

    melanomas: int
    nevi: int
    auc: Figure


class MapFigures(_Documented):
    """Where the heat maps of one choice of class lie.

    Attributes:
        energy: mean share of a map's energy inside the lesion; maps that are zero everywhere have none (`empty`).
        pointing: share of images whose hottest point, the centre of the hottest cell, lies in the lesion.
    """

    empty: int
    energy: Figure
    pointing: Figure


class Masks(_Documented):
    """Heat maps against the lesions' outlines.

    Attributes:
        lesion_share: mean share of the image inside the outline: the energy of a map that is the same everywhere.
        centre: share of images whose middle lies in the lesion: the pointing game of a map that knows nothing.
        leading_class, true_class: the maps of the class that leads, and of the likeliest admissible class.
    """

    images: int
    lesions: int
    lesion_share: Figure
    centre: Figure
    leading_class: MapFigures
    true_class: MapFigures


class Model(_Documented):
    """What was measured, from its model file."""

    version: str
    architecture: str
    input_size: int
    temperature: float
    malignant_threshold: float
    initial_weights: str


class Data(_Documented):
    """What it was measured on.

    Attributes:
        labels: the table's name.
        split: the side of a training run's split, empty for a table of one's own.
        mapping: how each word was read, and how many images it was read on.
        left_out: words of unknown meaning, and how many images they left out.
        missing: ids without a file.
        unreadable: ids whose file could not be read, and why.
    """

    labels: str
    split: str
    mapping: dict[str, int]
    left_out: dict[str, int]
    missing: list[str]
    unreadable: dict[str, str]


class Bootstrap(_Documented):
    """How the intervals were made: percentiles over so many resamples of lesions."""

    resamples: int
    seed: int
    level: float


class Evaluation(_Documented):
    """The whole file.

    Attributes:
        at_least: in the groups by age, sex, site and skin type, lesions that a figure needs of either side.
        by_age: "0 to 29", "30 to 49", "50 to 69", "70 and over", "unknown"; other groups as the table names them.
        by_skin_type: Fitzpatrick's, as the table writes them; empty where it records none.
        masks: None where no outlines were given.
    """

    format: int = Field(default=1)
    model: Model
    data: Data
    bootstrap: Bootstrap
    at_least: int
    overall: Group
    by_source: dict[str, Group]
    by_age: dict[str, Group]
    by_sex: dict[str, Group]
    by_site: dict[str, Group]
    by_skin_type: dict[str, Group]
    melanoma_against_nevus: dict[str, OneAgainstOther]
    masks: Masks | None
