"""The printed report of a visit, of a lesion, or of a whole chart.

A report is a sequence of parts: the body map first, then of each lesion `LESION_PARTS`, in that order. Whatever else is
known of a lesion joins as one more function in that tuple.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image as PilImage

from core import taxonomy
from core.exchange.chart import Chart, LesionChart
from core.exchange.forms import Letterhead
from core.exchange.measured import NOTE, measured_rows
from core.exchange.printed_map import print_map
from core.exchange.typesetting import Sheet
from core.records import clock, comparisons
from core.records.image_store import ImageStore
from core.records.outlines import ImageMeasures
from core.records.patients import age_in_years
from core.records.tables import Image, Patient, StoredReading, Visit
from core.vision.intake import display_copy
from core.vision.registration import HeldBy

SUPPORT = (
    "Reading: what a computer model said of one image; not a diagnosis. The heat map shows what the model attended to, "
    "not where the lesion ends."
)

_ALIGNED = {
    HeldBy.SKIN: "The newest image is laid over the first, aligned by the skin around: growth shows as growth.",
    HeldBy.LESION: "The newest image is laid over the first, aligned by the lesion itself: growth cannot be told "
    "from a larger magnification here.",
    None: "The two images could not be aligned; they are side by side as they were taken.",
}

GAP = 4.0
"""Between pictures, in mm."""


@dataclass(frozen=True)
class Picture:
    """A file of the store, or what was made of it to be `shown` instead, and the words beneath it."""

    sha256: str
    caption: str
    shown: PilImage.Image | None = None

    def file(self, store: ImageStore) -> bytes:
        """A JPEG file, which a PDF holds as it is; small copies and overlays are such files already."""
        return store.get(self.sha256) if self.shown is None else display_copy(self.shown, max_side=max(self.shown.size))


@dataclass(frozen=True)
class LesionOnPaper:
    """A lesion, and which of its images the report is about; the others are shown small, as earlier ones.

    Where it `compares`, the first image and the newest stand side by side, the newest laid over the first: that takes
    half a second to compute, which a chart of many lesions does not spend.
    """

    chart: LesionChart
    images: Sequence[Image]
    compares: bool = False

    def pair(self) -> tuple[ImageMeasures | None, ImageMeasures | None]:
        """The lesion's first image, None where there is but one, and the newest that the report is about."""
        by_id = {entry.image.id: entry for entry in self.chart.measures}
        newest = by_id[self.images[-1].id] if self.images else None
        first = self.chart.measures[0] if self.chart.measures else None
        return (None if first is newest else first), newest

    def earlier(self) -> list[Image]:
        """What was taken at visits before those of `images`, by time."""
        first = min((image.visit.at for image in self.images), default=clock.now())
        return [image for image in self.chart.images if image.visit.at < first]


def visit_report(chart: Chart, store: ImageStore, letterhead: Letterhead, *, visit: Visit) -> bytes:
    """The PDF about one visit: each lesion of which an image was taken."""
    sheet = _sheet(chart.patient, letterhead, f"Visit of {_day_of(visit)}")
    _visit(sheet, visit)
    shown = [(lesion, [image for image in lesion.images if image.visit_id == visit.id]) for lesion in chart.lesions]
    on_paper = [LesionOnPaper(lesion, images) for lesion, images in shown if images]
    if not on_paper:
        sheet.line_of("No image was taken at this visit.")
    _body_map(sheet, chart, on_paper)
    _lesions(sheet, store, on_paper)
    return _signed(sheet, visit.clinician.full_name if visit.clinician else None)


def lesion_report(chart: Chart, store: ImageStore, letterhead: Letterhead, *, lesion_id: int) -> bytes:
    """The PDF about one lesion through time."""
    (lesion,) = [lesion for lesion in chart.lesions if lesion.lesion.id == lesion_id]
    sheet = _sheet(chart.patient, letterhead, f"Lesion {lesion.lesion.label}")
    on_paper = [LesionOnPaper(lesion, lesion.images[-1:], compares=len(lesion.images) > 1)]
    _body_map(sheet, chart, on_paper)
    _lesions(sheet, store, on_paper)
    return _signed(sheet, lesion.diagnosis.user.full_name if lesion.diagnosis else None)


def patient_report(chart: Chart, store: ImageStore, letterhead: Letterhead) -> bytes:
    """The PDF of a whole chart: the visits, then every lesion through time."""
    sheet = _sheet(chart.patient, letterhead, "Patient's chart")
    sheet.line_of("Visits", size=12, bold=True)
    for visit in chart.visits:
        _visit(sheet, visit)
    if not chart.visits:
        sheet.line_of("No visit yet.")
    on_paper = [LesionOnPaper(lesion, lesion.images[-1:]) for lesion in chart.lesions]
    _body_map(sheet, chart, on_paper)
    _lesions(sheet, store, on_paper)
    return _signed(sheet, None)


def _sheet(patient: Patient, letterhead: Letterhead, about: str) -> Sheet:
    age = age_in_years(patient.birth_date, clock.today())
    born = f"born {patient.birth_date:%-d %b %Y} ({age} years)"
    banner = f"{patient.name} · No. {patient.record_number} · {born} · {patient.sex}"
    printed = f"printed {clock.now().astimezone():%-d %b %Y, %H:%M}"
    sheet = Sheet(paper=letterhead.paper, clinic=letterhead.clinic, banner=banner, title=f"{about} · {printed}")
    sheet.line_of(about, size=16, bold=True)
    sheet.ln(1)
    return sheet


def _visit(sheet: Sheet, visit: Visit) -> None:
    seen_by = f", seen by {visit.clinician.full_name}" if visit.clinician else ""
    sheet.line_of(f"{visit.at.astimezone():%-d %b %Y, %H:%M}{seen_by}: {visit.reason}")
    if visit.notes:
        sheet.line_of(visit.notes, grey=True)
    sheet.ln(1)


def _body_map(sheet: Sheet, chart: Chart, on_paper: Sequence[LesionOnPaper]) -> None:
    print_map(
        sheet,
        [lesion.lesion for lesion in chart.lesions],
        about={lesion.chart.lesion.id for lesion in on_paper},
    )


def _lesions(sheet: Sheet, store: ImageStore, lesions: Sequence[LesionOnPaper]) -> None:
    for lesion in lesions:
        sheet.ln(3)
        for part in LESION_PARTS:
            part(sheet, store, lesion)


def _heading(sheet: Sheet, _store: ImageStore, lesion: LesionOnPaper) -> None:
    row = lesion.chart.lesion
    # A heading alone at the foot of a page says nothing.
    sheet.room_for(90 if lesion.images else 40)
    sheet.line_of(f"Lesion {row.label} · {row.place}", size=12, bold=True)
    if row.description:
        sheet.line_of(row.description)
    sheet.ln(1)


def _images(sheet: Sheet, store: ImageStore, lesion: LesionOnPaper) -> None:
    """Each image between the one taken before it and its heat map, with what the model said beneath."""
    before = [] if lesion.compares else lesion.earlier()[-1:]
    for image in lesion.images:
        reading = image.reading
        pictures = [Picture(earlier.display_sha256, f"Before: {_taken(earlier)}") for earlier in before]
        pictures.append(Picture(image.display_sha256, _taken(image)))
        if reading:
            leading = taxonomy.term(reading.prediction).title.lower()
            pictures.append(Picture(reading.overlay_sha256, f"Heat map of {leading}"))
        _row_of(sheet, store, pictures, columns=3)
        if reading:
            _reading(sheet, reading)


def _reading(sheet: Sheet, reading: StoredReading) -> None:
    term = taxonomy.term(reading.prediction)
    likeliest = sorted(reading.probabilities.items(), key=lambda item: -item[1])[:3]
    flagged = " · flagged: over the model's threshold" if reading.flagged else ""
    sheet.line_of(SUPPORT, size=8.5, grey=True)
    sheet.line_of(
        "Model's reading: " + ", ".join(f"{taxonomy.term(name).title} {value:.0%}" for name, value in likeliest)
    )
    sheet.line_of(
        f"Leading class {term.group} · malignant or precancerous, all such classes together "
        f"{reading.malignant_probability:.0%}{flagged}"
    )
    sheet.line_of(
        f"Model {reading.model_version}, read {reading.at.astimezone():%-d %b %Y, %H:%M}", size=8.5, grey=True
    )
    sheet.ln(2)


def _earlier(sheet: Sheet, store: ImageStore, lesion: LesionOnPaper) -> None:
    earlier = lesion.earlier() if len(lesion.chart.images) > 2 else []
    if not earlier:
        return
    sheet.room_for(65)
    sheet.line_of("Earlier images, with the model's reading of each", bold=True)
    pictures = [Picture(image.display_sha256, _taken(image) + _in_short(image.reading)) for image in earlier]
    for start in range(0, len(pictures), 4):
        _row_of(sheet, store, pictures[start : start + 4], columns=4)


def _comparison(sheet: Sheet, store: ImageStore, lesion: LesionOnPaper) -> None:
    """The first image and the newest side by side, the newest laid over the first where that can be done."""
    first, newest = lesion.pair()
    if not lesion.compares or first is None or newest is None:
        return
    over = comparisons.laid_over(store, first.image, newest.image)
    sheet.room_for(115)
    sheet.line_of("First and newest image", bold=True)
    pictures = [
        Picture(first.image.display_sha256, f"First: {_taken(first.image)}"),
        Picture(newest.image.display_sha256, f"Newest: {_taken(newest.image)}", shown=over),
    ]
    _row_of(sheet, store, pictures, columns=2)
    held_by = comparisons.fit(store, first.image, newest.image).held_by
    sheet.line_of(_ALIGNED[held_by], size=8.5, grey=True)
    sheet.ln(2)


def _measurements(sheet: Sheet, store: ImageStore, lesion: LesionOnPaper) -> None:
    first, newest = lesion.pair()
    if newest is None:
        return
    if newest.measured is None:
        sheet.line_of("Measurements: none, no outline of the newest image is kept.", size=8.5, grey=True)
        sheet.ln(2)
        return
    matrix = None
    if lesion.compares and first is not None and first.measured:
        fit = comparisons.fit(store, first.image, newest.image)
        matrix = fit.matrix if fit.tells_growth else None
    rows = measured_rows(first, newest, matrix=matrix)
    sheet.room_for(70)
    sheet.line_of("Measurements", bold=True)
    days = [f"{_day_of(entry.image.visit)}" for entry in (first, newest) if entry]
    heading = ["Measure", *(days if len(rows[0]) > 2 else days[-1:]), *(["Change"] if len(rows[0]) > 2 else [])]
    sheet.table_of([heading, *rows], widths=(30, 28, 28, 46)[: len(heading)])
    sheet.ln(1)
    sheet.line_of(NOTE, size=8.5, grey=True)
    sheet.ln(2)


def _judgement(sheet: Sheet, _store: ImageStore, lesion: LesionOnPaper) -> None:
    """What clinicians said, which is set apart from any reading."""
    diagnosis, recall = lesion.chart.diagnosis, lesion.chart.recall
    sheet.room_for(20)
    if diagnosis:
        sheet.line_of(f"Clinician's diagnosis: {diagnosis.name}", size=11, bold=True)
        sheet.line_of(f"{diagnosis.confirm_type}; {diagnosis.user.full_name}, {diagnosis.at.astimezone():%-d %b %Y}")
        if diagnosis.notes:
            sheet.line_of(diagnosis.notes)
    else:
        sheet.line_of("Clinician's diagnosis: none recorded", size=11, bold=True)
    if recall:
        reason = f": {recall.reason}" if recall.reason else ""
        sheet.line_of(f"Recall: due {recall.due_on:%-d %b %Y}{reason}")
    else:
        sheet.line_of("Recall: none set")
    sheet.ln(2)


LESION_PARTS: tuple[Callable[[Sheet, ImageStore, LesionOnPaper], None], ...] = (
    _heading,
    _images,
    _comparison,
    _measurements,
    _earlier,
    _judgement,
)


def _row_of(sheet: Sheet, store: ImageStore, pictures: Sequence[Picture], *, columns: int) -> None:
    """Pictures side by side, all of one width, with their captions beneath."""
    width = (sheet.epw - GAP * (columns - 1)) / columns
    files = [picture.file(store) for picture in pictures]
    height = min(width * max(map(_tallness, files)), 1.4 * width)
    sheet.room_for(height + 12)
    top, lowest = sheet.get_y(), sheet.get_y()
    for position, (picture, file) in enumerate(zip(pictures, files, strict=True)):
        left = sheet.l_margin + position * (width + GAP)
        sheet.image(io.BytesIO(file), left, top, width, height, keep_aspect_ratio=True, alt_text=picture.caption)
        sheet.set_xy(left, top + height + 1)
        sheet.line_of(picture.caption, size=8, width=width)
        lowest = max(lowest, sheet.get_y())
    sheet.set_y(lowest + 2)


def _tallness(file: bytes) -> float:
    """Height by width."""
    with PilImage.open(io.BytesIO(file)) as image:
        return image.height / image.width


def _signed(sheet: Sheet, clinician: str | None) -> bytes:
    sheet.room_for(32)
    sheet.ln(16)
    half = sheet.l_margin + sheet.epw / 2
    sheet.line(sheet.l_margin, sheet.get_y(), half - GAP, sheet.get_y())
    sheet.line(half + GAP, sheet.get_y(), sheet.w - sheet.r_margin, sheet.get_y())
    sheet.ln(1)
    row = sheet.get_y()
    sheet.line_of("Place and date", size=8.5, grey=True)
    sheet.set_xy(half + GAP, row)
    sheet.line_of(f"Signature of the clinician{f': {clinician}' if clinician else ''}", size=8.5, grey=True)
    return bytes(sheet.output())


def _day_of(visit: Visit) -> str:
    return f"{visit.at.astimezone():%-d %b %Y}"


def _taken(image: Image) -> str:
    return f"{_day_of(image.visit)}, {image.image_type}"


def _in_short(reading: StoredReading | None) -> str:
    if reading is None:
        return ""
    return f"; {taxonomy.term(reading.prediction).title.lower()} {reading.probabilities[reading.prediction]:.0%}"
