"""The body map in a page: click the body to choose a place, click a pin to open its lesion.

The drawings are `core.body_map`'s; `map.js` and `map.css` beside this file answer to mouse, touch and keyboard.
What a lesion is called reaches the browser as data and becomes text, never markup.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core import body_map as drawings
from core.body_map import REGIONS, Place, Region
from core.records.body_map import MappedLesion
from core.records.terms import BodyView, LesionState

_HERE = Path(__file__).parent
_TITLES = {
    BodyView.FRONT: "Front",
    BodyView.BACK: "Back",
    BodyView.HEAD: "Head",
    BodyView.HANDS: "Hands",
    BodyView.FEET: "Feet",
}

STATE_WORDS = {
    LesionState.NEW: "New",
    LesionState.WATCHED: "Watched",
    LesionState.CHANGED: "Changed",
    LesionState.SUSPICIOUS: "Suspicious",
    LesionState.EXCISED: "Excised",
    LesionState.RESOLVED: "Resolved",
}


def _html() -> str:
    tabs = "".join(
        f'<button type="button" role="tab" data-view="{view}">{title}<span class="count"></span></button>'
        for view, title in _TITLES.items()
    )
    views = "".join(
        f'<div class="view" role="tabpanel" data-view="{view}">{drawings.drawing(view)}</div>' for view in BodyView
    )
    return (
        f'<div class="body-map"><div class="tabs" role="tablist" aria-label="View of the body">{tabs}</div>'
        f'<p class="where" aria-live="polite"></p>{views}<ul class="legend"></ul></div>'
    )


def _js() -> str:
    regions = json.dumps({name: region.words for name, region in REGIONS.items()})
    return f"const REGIONS = {regions};\n{(_HERE / 'map.js').read_text(encoding='utf-8')}"


_component = st.components.v2.component(
    "body_map", html=_html(), css=(_HERE / "map.css").read_text(encoding="utf-8"), js=_js()
)


@dataclass(frozen=True)
class ChosenPlace:
    """A place that was clicked, and the key in REGIONS of what is drawn there."""

    place: Place
    region_name: str

    @property
    def region(self) -> Region:
        """What is drawn there."""
        return REGIONS[self.region_name]


@dataclass(frozen=True)
class MapClick:
    """What was clicked in this run: a place on the body, or the pin of the lesion with that id."""

    chosen: ChosenPlace | None
    opened: int | None


def body_map(key: str, mapped: Sequence[MappedLesion], *, placing: bool, draft: ChosenPlace | None = None) -> MapClick:
    """Show the map with a pin for every lesion that has a place, and `draft`, the place chosen for the next one.

    Where not `placing`, only pins can be clicked.
    """
    answer = _component(
        key=key,
        data={
            "pins": [_pin(one) for one in mapped if one.lesion.map_view is not None],
            "states": [{"state": state, "words": words} for state, words in STATE_WORDS.items()],
            "draft": {"view": draft.place.view, "x": draft.place.x, "y": draft.place.y} if draft else None,
            "placing": placing,
        },
        on_chosen_change=lambda: None,
        on_opened_change=lambda: None,
    )
    known = {one.lesion.id for one in mapped}
    opened = answer.get("opened")
    return MapClick(_chosen(answer.get("chosen")), opened if opened in known else None)


def _pin(one: MappedLesion) -> dict[str, object]:
    lesion = one.lesion
    words = [f"{lesion.label}, {lesion.place}", lesion.description, STATE_WORDS[one.state].lower()]
    return {
        "id": lesion.id,
        "number": lesion.number,
        "label": ", ".join(filter(None, words)),
        "state": one.state,
        "view": lesion.map_view,
        "x": lesion.map_x,
        "y": lesion.map_y,
    }


def _chosen(sent: dict[str, object] | None) -> ChosenPlace | None:
    """What the browser sent, where it is a place that there is."""
    if not sent or sent.get("region") not in REGIONS:
        return None
    name = str(sent["region"])
    x, y = sent.get("x"), sent.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    return ChosenPlace(Place(REGIONS[name].view, float(x), float(y)), name)
