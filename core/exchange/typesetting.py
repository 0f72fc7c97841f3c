"""The sheet that reports are printed on: paper, fonts for any script, letterhead, patient banner, page numbers."""

import logging
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos

from core.exchange.forms import Paper

FONTS = Path(__file__).parent / "fonts"

MISSING = "?"
"""Printed for a character that none of the fonts has; a line at the foot then says so."""

MARGIN = 18.0
"""In mm."""

_BASE = "NotoSans"
_FALLBACKS = tuple(sorted(path.stem for path in FONTS.glob("NotoSans*-Regular.ttf") if path.stem != f"{_BASE}-Regular"))
_LAST = "DroidSansFallbackFull"

# It tells of every table of a font that it leaves out of the document.
logging.getLogger("fontTools.subset").setLevel(logging.ERROR)


class Sheet(FPDF):
    """Pages with the clinic's name and the patient's banner at the head of each, and its number at the foot."""

    def __init__(self, *, paper: Paper, clinic: str, banner: str, title: str) -> None:
        super().__init__(format=paper.value.lower())
        self.clinic, self.banner, self.title_line = clinic, banner, title
        self.missing = False
        self.set_margin(MARGIN)
        # Words begin where pictures do.
        self.c_margin = 0
        self.set_auto_page_break(True, margin=22)
        self.set_title(title)
        self.set_creator("DermTrail")
        self.add_font(_BASE, "", FONTS / f"{_BASE}-Regular.ttf")
        self.add_font(_BASE, "B", FONTS / f"{_BASE}-Bold.ttf")
        self.set_text_shaping(True)
        self._loaded: list[str] = []
        self.alias_nb_pages()
        self.add_page()

    def header(self) -> None:
        """FPDF calls it at the top of each page."""
        self.line_of(self.clinic, size=13, bold=True)
        self.line_of(self.banner, size=9.5)
        self.set_draw_color(90)
        self.line(self.l_margin, self.get_y() + 1, self.w - self.r_margin, self.get_y() + 1)
        self.ln(5)

    def footer(self) -> None:
        """FPDF calls it at the bottom of each page."""
        self.set_y(-16)
        if self.missing:
            self.line_of(f"“{MISSING}” stands for a character that this printout has no font for.", size=7.5, grey=True)
        self.line_of(f"{self.title_line} · page {self.page_no()} of {{nb}}", size=8, grey=True, align="R")

    def line_of(
        self, text: str, *, size: float = 10, bold: bool = False, grey: bool = False, align: str = "L", width: float = 0
    ) -> None:
        """A paragraph from here to the right margin, or `width` mm wide, in points of `size`."""
        printable = self._printable(text)
        self.set_font(_BASE, "B" if bold else "", size)
        self.set_text_color(95 if grey else 0)
        self.multi_cell(width, size * 0.5, printable, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def room_for(self, height: float) -> None:
        """Begin a new page unless `height` mm are left on this one."""
        if self.will_page_break(height):
            self.add_page()

    def words_at(self, text: str, x: float, y: float, *, size: float, bold: bool = False, grey: float = 0) -> None:
        """A few words whose middle is at `x`, `y` in mm; `grey` goes from 0, black, to 255, white."""
        printable = self._printable(text)
        self.set_font(_BASE, "B" if bold else "", size)
        self.set_text_color(round(grey))
        # The middle of a capital or a figure lies about a third of the size above the line.
        self.text(x - self.get_string_width(printable) / 2, y + 0.36 * size / self.k, printable)

    def table_of(self, rows: Sequence[Sequence[str]], *, widths: Sequence[float]) -> None:
        """A table from margin to margin, the first row its heading; `widths` are in any unit."""
        printable = [[self._printable(cell) for cell in row] for row in rows]
        self.set_font(_BASE, "", 9)
        self.set_text_color(0)
        self.set_draw_color(150)
        with self.table(
            col_widths=tuple(widths),
            line_height=4.5,
            padding=(0.5, 2, 0.5, 0),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            text_align="LEFT",
        ) as table:
            for row in printable:
                table.row(row)

    def _printable(self, text: str) -> str:
        """`text` with the fonts that it needs loaded, and MISSING for what none of them has."""
        needed = []
        characters = []
        for character in text:
            font = font_of(character)
            self.missing |= font is None
            characters.append(character if font else MISSING)
            needed.append(font)
        self._load(font for font in needed if font and font != _BASE)
        return "".join(characters)

    def _load(self, fonts: Iterable[str]) -> None:
        for font in dict.fromkeys(fonts):
            if font not in self._loaded:
                self.add_font(font, "", FONTS / f"{font}.ttf")
                self._loaded.append(font)
                # The scripts have no bold of their own here: a name in bold is then printed as it is.
                self.set_fallback_fonts(self._loaded, exact_match=False)


def font_of(character: str) -> str | None:
    """The first font that has a character; None where none has. Line ends and joiners belong to any."""
    if character in "\n\u200c\u200d":
        return _BASE
    for font in (f"{_BASE}-Regular", *_FALLBACKS, _LAST):
        if ord(character) in _characters(font):
            return _BASE if font == f"{_BASE}-Regular" else font
    return None


@cache
def _characters(font: str) -> frozenset[int]:
    with TTFont(FONTS / f"{font}.ttf", lazy=True) as opened:
        return frozenset(opened.getBestCmap())
