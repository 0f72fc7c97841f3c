"""The model card as a page shows it: docs/MODEL_CARD.md, taken apart into sections of text and diagrams."""

import re
from dataclasses import dataclass
from pathlib import Path

CARD = Path(__file__).parents[1] / "docs" / "MODEL_CARD.md"
"""Where `python -m training card` writes it."""

FIRST = "Overview"
"""What the part before the first heading is called, together with the section after it."""

_IMAGE = re.compile(r"^!\[([^\]]*)\]\(([^)]+)\)$", re.MULTILINE)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Diagram:
    """A picture of the card and what it shows, in a sentence."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Section:
    """A section of the card: Markdown and groups of diagrams that follow one another, in turn."""

    title: str
    parts: list[str | list[Diagram]]


@dataclass(frozen=True)
class ModelCard:
    """The card, and which model it is of."""

    model_version: str
    sections: list[Section]


def read_card(path: Path = CARD) -> ModelCard | None:
    """Read the card at `path`; None where there is none."""
    if not path.is_file():
        return None
    heading, _, text = path.read_text(encoding="utf-8").partition("\n")
    opening, *rest = _SECTION.split(text)
    titled = list(zip(rest[::2], rest[1::2], strict=True))
    # The aims belong to the opening: together they are what a reader in a hurry needs.
    first = opening + (f"## {titled[0][0]}{titled[0][1]}" if titled else "")
    sections = [Section(FIRST, _parts(first, path.parent))]
    sections += [Section(title, _parts(body, path.parent)) for title, body in titled[1:]]
    return ModelCard(heading.rpartition(" ")[2], sections)


def _parts(body: str, folder: Path) -> list[str | list[Diagram]]:
    parts: list[str | list[Diagram]] = []
    at = 0
    for image in _IMAGE.finditer(body):
        if text := body[at : image.start()].strip():
            parts.append(text)
        diagram = Diagram(folder / image[2], image[1])
        if parts and isinstance(parts[-1], list):
            parts[-1].append(diagram)
        else:
            parts.append([diagram])
        at = image.end()
    if text := body[at:].strip():
        parts.append(text)
    return parts
