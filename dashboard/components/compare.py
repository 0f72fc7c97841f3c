"""Two images in one frame: slider, blink, overlay, difference, side by side; zoom and position are shared."""

import base64
import io
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image as Picture

from core.records import readings
from core.records.comparisons import Comparison
from core.records.tables import Image
from core.vision import heat_map
from core.vision.intake import display_copy
from dashboard import page
from dashboard.session import workspace

_HERE = Path(__file__)
_component = st.components.v2.component(
    "compare",
    html=_HERE.with_suffix(".html").read_text(encoding="utf-8"),
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


def compare(comparison: Comparison, *, class_name: str | None) -> None:
    """Show both images, the second laid over the first where the fit was accepted.

    The heat maps that can be switched on are those of `class_name`; None where there are none.
    """
    first, second, fit = comparison.first, comparison.second, comparison.in_widths()
    data = {
        "pair": f"{first.id}:{second.id}:{class_name}",
        "aspect": first.width / first.height,
        "fit": None if fit is None else fit[:2].tolist(),
        "first": _side(first, class_name),
        "second": _side(second, class_name),
    }
    _component(key="compare", data=data)


def _side(image: Image, class_name: str | None) -> dict[str, Any]:
    file = workspace().images.get(image.display_sha256)
    reading = image.reading
    heat = None
    if reading is not None and class_name in reading.probabilities:
        with Picture.open(io.BytesIO(file)) as picture:
            shown = heat_map.overlay(picture.convert("RGB"), readings.heat_map_of(reading, class_name))
        heat = _address(display_copy(shown, max_side=readings.SHOWN_SIDE))
    return {
        "label": page.day(image.visit.at),
        "aspect": image.width / image.height,
        "image": _address(file),
        "heat": heat,
    }


def _address(jpeg: bytes) -> str:
    """The file within its own address, so that the browser asks for nothing."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
