"""How far the model agrees with what was confirmed, over the clinic's own cases.

A case is a lesion, or an image of one, with a confirmed diagnosis and a reading that was made before it.

- Confirmed counts what does not rest on a look at the same image: histopathology, serial imaging showing no change, and
  confocal microscopy with consensus dermoscopy. A clinical assessment, and the consensus of experts over one image,
  come from people who may have had the reading before their eyes: the model would be measured against itself.
- Of several confirmed diagnoses of a lesion the newest counts. One that is none of the nine is no case, and is counted.
- Per lesion it is the newest reading of any of its images before the diagnosis, per image the newest of that image.
  Images of one lesion resemble one another, so that intervals per image are narrower than they should be.
- Which lesions are biopsied is chosen, partly by the model itself: benign lesions that nobody doubted are missing. So
  the specificity here is lower than over all lesions that are looked at, and the sensitivity higher.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select

from core import taxonomy
from core.proportion import Proportion
from core.records.actor import Actor, Permission, requires
from core.records.database import Database
from core.records.tables import Diagnosis, Image, Lesion, StoredReading
from core.records.terms import ConfirmType

CONFIRMED_BY = (ConfirmType.HISTOPATHOLOGY, ConfirmType.SERIAL_IMAGING, ConfirmType.CONFOCAL)

TOO_FEW = 30
"""Fewer cases than this leave a share of 90 % an interval of more than 20 points: too wide to judge a model by."""

BINS = 5
"""Equally wide bins of the malignant probability, in which calibration is looked at: a clinic's cases are few."""


class Per(StrEnum):
    """What a case is."""

    LESION = "lesion"
    IMAGE = "image"


@dataclass(frozen=True)
class Case:
    """A reading and the confirmed diagnosis after it. `truth` and `prediction` are names of `core.taxonomy`."""

    lesion_id: int
    lesion_label: str
    image_id: int
    truth: str
    confirm_type: ConfirmType
    prediction: str
    malignant_probability: float
    flagged: bool
    model_version: str
    read_at: datetime

    @property
    def needs_attention(self) -> bool:
        """Whether the confirmed diagnosis is malignant or indeterminate."""
        return taxonomy.needs_attention(self.truth)


@dataclass(frozen=True)
class Agreement:
    """Figures over cases: which of those that need attention were flagged, which benign ones not, which named right."""

    cases: Sequence[Case]

    @property
    def sensitivity(self) -> Proportion:
        """Flagged, of those whose confirmed diagnosis is malignant or indeterminate."""
        positive = [case for case in self.cases if case.needs_attention]
        return Proportion(sum(case.flagged for case in positive), len(positive))

    @property
    def specificity(self) -> Proportion:
        """Not flagged, of those whose confirmed diagnosis is benign."""
        negative = [case for case in self.cases if not case.needs_attention]
        return Proportion(sum(not case.flagged for case in negative), len(negative))

    @property
    def same_class(self) -> Proportion:
        """Leading class and confirmed diagnosis are the same, of all."""
        return Proportion(sum(case.prediction == case.truth for case in self.cases), len(self.cases))

    @property
    def confusion(self) -> Counter[tuple[str, str]]:
        """How many cases there are of each confirmed diagnosis and leading class."""
        return Counter((case.truth, case.prediction) for case in self.cases)

    @property
    def missed(self) -> list[Case]:
        """Malignant or indeterminate, and not flagged; the latest reading first."""
        found = [case for case in self.cases if case.needs_attention and not case.flagged]
        return sorted(found, key=lambda case: case.read_at, reverse=True)


@dataclass(frozen=True)
class CalibrationBin:
    """Cases whose malignant probability lies within a bin: what was said on average, and how many needed attention."""

    low: float
    high: float
    said: float
    observed: Proportion


@dataclass(frozen=True)
class ConfirmedCases:
    """What `confirmed_cases` found.

    Attributes:
        cases: per lesion or image, one reading each.
        versions: how many cases there are by each model version, however the cases were chosen.
        no_reading: lesions with a confirmed diagnosis before which there was no reading, or none by the version.
        other_names: lesions whose confirmed diagnosis is none of the nine.
    """

    cases: list[Case]
    versions: Counter[str]
    no_reading: int
    other_names: int


@requires(Permission.DIAGNOSE)
def confirmed_cases(
    database: Database, actor: Actor, *, per: Per = Per.LESION, model_version: str | None = None
) -> ConfirmedCases:
    """All cases, of readings by one model version where it is given, in two queries."""
    newest = (
        select(func.max(Diagnosis.id)).where(Diagnosis.confirm_type.in_(CONFIRMED_BY)).group_by(Diagnosis.lesion_id)
    )
    diagnoses = select(Diagnosis.lesion_id, Diagnosis.name).where(Diagnosis.id.in_(newest))
    readings = (
        select(
            *(Lesion.id, Lesion.number, Image.id, Diagnosis.name, Diagnosis.confirm_type),
            *(StoredReading.prediction, StoredReading.malignant_probability, StoredReading.flagged),
            *(StoredReading.model_version, StoredReading.at),
        )
        .join(Image, Image.id == StoredReading.image_id)
        .join(Lesion, Lesion.id == Image.lesion_id)
        .join(Diagnosis, Diagnosis.lesion_id == Lesion.id)
        .where(Diagnosis.id.in_(newest), StoredReading.at < Diagnosis.at)
        .order_by(StoredReading.id)
    )
    with database.reading() as session:
        confirmed = {lesion_id: _class_name(name) for lesion_id, name in session.execute(diagnoses)}
        rows = session.execute(readings).all()
    found = [
        Case(lesion_id, f"L{number}", image_id, confirmed[lesion_id] or "", *rest)
        for lesion_id, number, image_id, _name, *rest in rows
        if confirmed[lesion_id] is not None
    ]
    versions = {version: _newest(found, per, version) for version in {case.model_version for case in found}}
    cases = _newest(found, per) if model_version is None else versions.get(model_version, [])
    named = {lesion_id for lesion_id, name in confirmed.items() if name is not None}
    return ConfirmedCases(
        cases=cases,
        versions=Counter({version: len(of_version) for version, of_version in versions.items()}),
        no_reading=len(named - {case.lesion_id for case in cases}),
        other_names=len(confirmed) - len(named),
    )


def calibration(cases: Iterable[Case]) -> list[CalibrationBin]:
    """The bins of malignant probability that have cases, the lowest first."""
    binned: dict[int, list[Case]] = {}
    for case in cases:
        binned.setdefault(min(int(case.malignant_probability * BINS), BINS - 1), []).append(case)
    return [
        CalibrationBin(
            low=index / BINS,
            high=(index + 1) / BINS,
            said=sum(case.malignant_probability for case in members) / len(members),
            observed=Proportion(sum(case.needs_attention for case in members), len(members)),
        )
        for index, members in sorted(binned.items())
    ]


def by_month(cases: Iterable[Case]) -> list[tuple[date, Agreement]]:
    """The cases by the month in which they were read, where the clinic is; the earliest first."""
    months: dict[date, list[Case]] = {}
    for case in cases:
        months.setdefault(case.read_at.astimezone().date().replace(day=1), []).append(case)
    return [(month, Agreement(members)) for month, members in sorted(months.items())]


def _newest(cases: Iterable[Case], per: Per, model_version: str | None = None) -> list[Case]:
    """The last of each lesion or image, of cases in the order of their readings."""
    last = {
        case.lesion_id if per is Per.LESION else case.image_id: case
        for case in cases
        if model_version in (None, case.model_version)
    }
    return list(last.values())


def _class_name(name: str) -> str | None:
    """The taxonomy's name for what a diagnosis was called, in its own words or the ISIC archive's."""
    wanted = name.casefold()
    return next((term.name for term in taxonomy.TERMS if wanted in (term.name.casefold(), term.isic.casefold())), None)
