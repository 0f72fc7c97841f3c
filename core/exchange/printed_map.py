"""The body map on paper: the views that hold pins, side by side, with a number in each pin."""

import io
from collections.abc import Collection, Sequence

from core.body_map import lines
from core.exchange.typesetting import Sheet
from core.records.tables import Lesion
from core.records.terms import BodyView

TALLEST = 72.0
"""Of the drawings, in mm."""

GAP = 6.0
"""Between two views, in mm."""

RADIUS = 1.9
"""Of a pin, in mm; the pins that the report is about are larger by a third."""


def print_map(sheet: Sheet, lesions: Sequence[Lesion], *, about: Collection[int]) -> None:
    """Print the views on which a patient's `lesions` have pins; those with the ids `about` stand out."""
    placed = [lesion for lesion in lesions if lesion.map_view is not None]
    views = [view for view in BodyView if any(lesion.map_view == view for lesion in placed)]
    if views:
        _views(sheet, views, placed, about)
    if unplaced := [lesion.label for lesion in lesions if lesion.map_view is None and lesion.id in about]:
        sheet.line_of(f"Not placed on the body map: {', '.join(unplaced)}", size=8.5, grey=True)
    sheet.ln(2)


def _views(sheet: Sheet, views: Sequence[BodyView], placed: Sequence[Lesion], about: Collection[int]) -> None:
    sizes = {view: lines(view).size for view in views}
    wide = sum(width / height for width, height in sizes.values())
    tall = min(TALLEST, (sheet.epw - GAP * (len(views) - 1)) / wide)
    sheet.room_for(tall + 16)
    sheet.line_of("Body map", bold=True)
    top, left = sheet.get_y() + 1, sheet.l_margin
    for view in views:
        width, height = sizes[view]
        scale = tall / height
        _drawing(sheet, view, left, top, scale)
        pins = [lesion for lesion in placed if lesion.map_view == view]
        # Those that the report is about lie uppermost.
        for lesion in sorted(pins, key=lambda lesion: lesion.id in about):
            assert lesion.map_x is not None and lesion.map_y is not None
            at = (left + lesion.map_x * width * scale, top + lesion.map_y * height * scale)
            _pin(sheet, lesion, *at, stands_out=lesion.id in about)
        sheet.words_at(view.capitalize(), left + width * scale / 2, top + tall + 2.5, size=8.5)
        left += width * scale + GAP
    sheet.set_y(top + tall + 6)
    if any(lesion.id not in about for lesion in placed):
        sheet.line_of("Black: the lesions of this report. White: the patient's others.", size=8.5, grey=True)


def _drawing(sheet: Sheet, view: BodyView, left: float, top: float, scale: float) -> None:
    drawn = lines(view)
    width, height = drawn.size
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<path d="{drawn.skin}" fill="#f0f0f0" stroke="#707070" stroke-width="2"/>'
        f'<path d="{drawn.details}" fill="none" stroke="#b0b0b0" stroke-width="1.5"/></svg>'
    )
    sheet.image(io.BytesIO(svg.encode()), left, top, width * scale, height * scale)
    for words, x, y in drawn.sides:
        sheet.words_at(words, left + x * scale, top + (y - 5) * scale, size=6, grey=95)


def _pin(sheet: Sheet, lesion: Lesion, x: float, y: float, *, stands_out: bool) -> None:
    radius = RADIUS * 4 / 3 if stands_out else RADIUS
    sheet.set_draw_color(255 if stands_out else 60)
    sheet.set_fill_color(0 if stands_out else 255)
    sheet.set_line_width(0.25)
    sheet.circle(x, y, radius, style="DF")
    size = radius * (3.4 if lesion.number < 10 else 2.8)
    sheet.words_at(str(lesion.number), x, y, size=size, bold=stands_out, grey=255 if stands_out else 0)
