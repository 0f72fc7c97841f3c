"""The body map: its five drawings, and what each region of them is called in the records.

The drawings lie beside this file, one SVG a view. Every region is a path whose id is a key of `REGIONS`, cut out by the
view's outline, the path `VIEW-skin`. A place on a view is given as x and y in 0..1 of its width and height. Sides are
the patient's own: on the front of the body their left is at the viewer's right, on the back at the viewer's left.

The records know five body sites (core.records.terms). Where a border between two of them is a matter of convention,
the regions follow the ISIC archive's anatomical sites (`isic_metadata.anatom_site_hierarchical`): the shoulder belongs
to the upper extremity, the buttock to the lower, the gluteal cleft to the anogenital region.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.records.terms import BodySite, BodyView, Laterality

_HEAD, _TRUNK = BodySite.HEAD_AND_NECK, BodySite.TRUNK
_ARM, _LEG, _ANOGENITAL = BodySite.UPPER_EXTREMITY, BodySite.LOWER_EXTREMITY, BodySite.ANOGENITAL_REGION

_LEFT_RIGHT = (Laterality.LEFT, Laterality.RIGHT)
_MIDLINE = (Laterality.MIDLINE,)
_ALL = (*_LEFT_RIGHT, *_MIDLINE)

# View, part of the body as the paths name it, body site, the sides that are drawn.
_PARTS: tuple[tuple[BodyView, str, BodySite, tuple[Laterality, ...]], ...] = (
    *((BodyView.FRONT, part, _HEAD, _ALL) for part in ("face", "neck")),
    *((BodyView.FRONT, part, _TRUNK, _ALL) for part in ("chest", "abdomen")),
    (BodyView.FRONT, "genital-region", _ANOGENITAL, _MIDLINE),
    *((BodyView.FRONT, part, _ARM, _LEFT_RIGHT) for part in ("upper-arm", "elbow", "forearm", "hand")),
    *((BodyView.FRONT, part, _LEG, _LEFT_RIGHT) for part in ("thigh", "knee", "lower-leg", "foot")),
    *((BodyView.BACK, part, _HEAD, _ALL) for part in ("scalp", "nape")),
    *((BodyView.BACK, part, _TRUNK, _ALL) for part in ("upper-back", "lower-back")),
    (BodyView.BACK, "gluteal-cleft", _ANOGENITAL, _MIDLINE),
    *((BodyView.BACK, part, _ARM, _LEFT_RIGHT) for part in ("upper-arm", "elbow", "forearm", "hand")),
    *((BodyView.BACK, part, _LEG, _LEFT_RIGHT) for part in ("buttock", "thigh", "knee", "lower-leg", "heel")),
    *((BodyView.HEAD, part, _HEAD, _ALL) for part in ("forehead", "neck", "occiput", "nape")),
    *((BodyView.HEAD, part, _HEAD, _LEFT_RIGHT) for part in ("eyelid", "cheek", "jaw", "ear", "back-of-ear")),
    *((BodyView.HEAD, part, _HEAD, _MIDLINE) for part in ("nose", "lips", "chin")),
    *(
        (BodyView.HEAD, f"profile-{part}", _HEAD, _LEFT_RIGHT)
        for part in (
            "scalp", "forehead", "temple", "eyelid", "nose", "cheek", "lips", "chin", "jaw", "ear", "neck",
        )
    ),
    *((BodyView.HANDS, part, _ARM, _LEFT_RIGHT) for part in ("palm", "palm-thumb", "palm-fingers", "palm-wrist")),
    *((BodyView.HANDS, part, _ARM, _LEFT_RIGHT) for part in ("back", "back-thumb", "back-fingers", "back-wrist")),
    *((BodyView.FEET, part, _LEG, _LEFT_RIGHT) for part in ("top", "top-toes", "ankle")),
    *((BodyView.FEET, part, _LEG, _LEFT_RIGHT) for part in ("sole-toes", "sole-ball", "sole-arch", "sole-heel")),
)  # fmt: skip

# What a part is called where its path's name alone would not say it.
_WORDS: dict[tuple[BodyView, str], str] = {
    (BodyView.BACK, "upper-arm"): "Back of the upper arm",
    (BodyView.BACK, "forearm"): "Back of the forearm",
    (BodyView.BACK, "hand"): "Back of the hand",
    (BodyView.BACK, "thigh"): "Back of the thigh",
    (BodyView.BACK, "knee"): "Hollow of the knee",
    (BodyView.BACK, "lower-leg"): "Calf",
    (BodyView.HEAD, "occiput"): "Back of the head",
    (BodyView.HANDS, "palm-thumb"): "Thumb, palm side",
    (BodyView.HANDS, "palm-fingers"): "Fingers, palm side",
    (BodyView.HANDS, "palm-wrist"): "Wrist, palm side",
    (BodyView.HANDS, "back"): "Back of the hand",
    (BodyView.HANDS, "back-thumb"): "Thumb, back",
    (BodyView.HANDS, "back-fingers"): "Fingers, back",
    (BodyView.HANDS, "back-wrist"): "Wrist, back",
    (BodyView.FEET, "top"): "Top of the foot",
    (BodyView.FEET, "top-toes"): "Toes",
    (BodyView.FEET, "sole-toes"): "Toes, from below",
    (BodyView.FEET, "sole-ball"): "Ball of the foot",
    (BodyView.FEET, "sole-arch"): "Sole",
    (BodyView.FEET, "sole-heel"): "Heel, from below",
}


@dataclass(frozen=True)
class Region:
    """A part of the body on one view, and how the records write it; `words` name it for people."""

    view: BodyView
    words: str
    body_site: BodySite
    laterality: Laterality


@dataclass(frozen=True)
class Place:
    """A place on a view of the body: `x` and `y` in 0..1 of the view's width and height, from its top left."""

    view: BodyView
    x: float
    y: float


def _words(view: BodyView, part: str, side: Laterality) -> str:
    plain = part.removeprefix("profile-").replace("-", " ").capitalize()
    return f"{_WORDS.get((view, part), plain)}, {side}"


REGIONS: dict[str, Region] = {
    f"{view}-{part}-{side}": Region(view, _words(view, part, side), site, side)
    for view, part, site, sides in _PARTS
    for side in sides
}
"""Every region by the id of its path."""


@cache
def drawing(view: BodyView) -> str:
    """The SVG of a view, with its regions as paths."""
    return (Path(__file__).parent / f"{view}.svg").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Lines:
    """What is drawn of a view where nothing can be clicked, in the drawing's own units.

    Attributes:
        size: width and height.
        skin: the outline of the body, as the data of an SVG path.
        details: lines within it, likewise.
        sides: what says which side is which, and the middle of its foot line (x, y).
    """

    size: tuple[float, float]
    skin: str
    details: str
    sides: tuple[tuple[str, float, float], ...]


@cache
def lines(view: BodyView) -> Lines:
    """The lines of a view, for paper."""
    svg = drawing(view)
    width, height = (float(side) for side in re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    paths = dict(re.findall(r'<path class="(skin|detail)"[^>]*? d="([^"]+)"', svg))
    sides = re.findall(r'<text class="side" x="([\d.]+)" y="([\d.]+)">([^<]+)</text>', svg)
    placed = tuple((words, float(x), float(y)) for x, y, words in sides)
    return Lines((width, height), paths["skin"], paths["detail"], placed)
