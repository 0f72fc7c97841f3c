"""A lesion on one time axis: its images, what models said of them, and what was decided about it."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core import taxonomy
from core.errors import DermTrailError
from core.records.tables import Image, Lesion
from core.records.timeline import Decisions
from dashboard import page
from dashboard.components.body_map import STATE_WORDS
from dashboard.components.reading import thumbnail_file

STRIP_SIDE = 56
"""Side in pixels of an image on the axis."""

STRIP_ROOM = 15
"""So many images fit beside each other on the axis of a narrow page."""

FEW = 8
"""Up to so many images each has a button; more are chosen with a slider."""

# Where things stand above and below the curve, whose scale goes from 0 to 1.
_STRIP, _TOP, _BOTTOM = 1.28, 1.5, -0.62
_ROWS = {"diagnosis": -0.2, "state": -0.36, "recall": -0.52}
_TICKS = [0, 0.25, 0.5, 0.75, 1, *_ROWS.values()]
_TICK_WORDS = "datum.value >= 0 ? format(datum.value, '.0%') : " + " : ".join(
    [*(f"datum.value > {y - 0.05} ? '{word}'" for word, y in list(_ROWS.items())[:-1]), f"'{list(_ROWS)[-1]}'"]
)


def choose_image(lesion: Lesion, found: Sequence[Image]) -> Image:
    """Let somebody choose one of the images, which come in time order; the last one at first."""
    if len(found) == 1:
        return found[0]

    def words(position: int) -> str:
        return f"{position + 1} · {page.day(found[position].visit.at)}"

    key, positions = f"show:{lesion.id}:{len(found)}", range(len(found))
    if len(found) <= FEW:
        chosen = st.segmented_control(
            "Show", positions, default=positions[-1], required=True, format_func=words, key=key
        )
    else:
        chosen = st.select_slider("Show", positions, value=positions[-1], format_func=words, key=key)
    return found[chosen]


def timeline(found: Sequence[Image], decisions: Decisions) -> None:
    """The images, the malignant probability and the decisions, one above the other on the same axis."""
    points, marks = _points(found), _marks(decisions)
    versions = sorted({point["model"] for point in points})
    strip = _strip(found, [mark["at"] for mark in marks])
    x = alt.X("at:T", title=None, scale=alt.Scale(nice=True, padding=STRIP_SIDE / 2))
    layers = [_pictures(strip, x)] if strip else []
    if points:
        layers.append(_curves(points, x, versions))
    if marks:
        layers += _decided(marks, x)
    chart = alt.layer(*layers).properties(height=400)
    st.altair_chart(chart, width="stretch", alt=_spoken(points, marks))
    if len(strip) < len(found):
        st.caption(f"The strip shows {len(strip)} of {len(found)} images; the others lie too close to them.")
    if len(versions) > 1:
        st.info(
            f"{len(versions)} versions of the model have read these images. What one says does not compare with what "
            "another says: there is one line for each.",
            icon=":material/stacked_line_chart:",
        )
    elif len(found) < 2:
        st.caption("The trend appears with the second image.")


def _y(**more: Any) -> alt.Y:
    axis = alt.Axis(values=_TICKS, labelExpr=_TICK_WORDS, grid=True)
    scale = alt.Scale(domain=[_BOTTOM, _TOP], nice=False)
    return alt.Y("y:Q", scale=scale, axis=axis, title="malignant or precancerous", **more)


def _points(found: Sequence[Image]) -> list[dict[str, Any]]:
    """Each image's newest reading by each version."""
    newest = {(image.id, reading.model_version): (image, reading) for image in found for reading in image.readings}
    return [
        {
            "at": image.visit.at.astimezone(),
            "y": reading.malignant_probability,
            "model": reading.model_version,
            "leading class": taxonomy.term(reading.prediction).title,
        }
        for image, reading in newest.values()
        if reading.readable
    ]


def _marks(decisions: Decisions) -> list[dict[str, Any]]:
    midnight = time(tzinfo=UTC)
    rows = [(one.at, "diagnosis", one.name, f"{one.name}, {one.confirm_type}") for one in decisions.diagnoses]
    rows += [(one.at, "state", STATE_WORDS[one.state], STATE_WORDS[one.state]) for one in decisions.states]
    for one in decisions.recalls:
        due = f"due {one.due_on:%-d %b %Y}"
        rows.append((datetime.combine(one.due_on, midnight), "recall", "closed" if one.closed_at else "due", due))
    return [
        {"at": at.astimezone(), "y": _ROWS[kind], "kind": kind, "words": words, "what": what}
        for at, kind, words, what in rows
    ]


def _strip(found: Sequence[Image], marks: Sequence[datetime]) -> list[dict[str, Any]]:
    """The images that do not cover each other on the axis; of those too close together the earliest, and the newest."""
    times = [*(image.visit.at for image in found), *marks]
    # Images of one visit stand at one moment, however short the axis is.
    apart = max((max(times) - min(times)) / STRIP_ROOM, timedelta(minutes=1))
    newest = found[-1]
    shown: list[Image] = []
    for image in found[:-1]:
        before = not shown or image.visit.at - shown[-1].visit.at >= apart
        if before and newest.visit.at - image.visit.at >= apart:
            shown.append(image)
    rows = []
    for image in [*shown, newest]:
        try:
            file = thumbnail_file(image, side=2 * STRIP_SIDE)
        except DermTrailError:
            # The panel of the image says what is wrong with it.
            continue
        url = "data:image/jpeg;base64," + base64.b64encode(file).decode()
        rows.append({"at": image.visit.at.astimezone(), "y": _STRIP, "url": url, "day": page.day(image.visit.at)})
    return rows


def _pictures(strip: Sequence[dict[str, Any]], x: alt.X) -> alt.Chart:
    base = alt.Chart(pd.DataFrame(strip)).encode(x=x, y=_y(), url="url:N", tooltip="day:N")
    return base.mark_image(width=STRIP_SIDE, height=STRIP_SIDE)


def _curves(points: Sequence[dict[str, Any]], x: alt.X, versions: Sequence[str]) -> alt.Chart:
    # A legend takes its height from the lines, and tells nothing of a single one.
    legend = alt.Legend(orient="bottom", title="Model", labelLimit=400) if len(versions) > 1 else None
    tooltip = [
        "at:T",
        alt.Tooltip("y:Q", format=".1%", title="malignant or precancerous"),
        "leading class:N",
        "model:N",
    ]
    base = alt.Chart(pd.DataFrame(points)).encode(
        x=x, y=_y(), color=alt.Color("model:N", legend=legend), tooltip=tooltip
    )
    dashes = alt.StrokeDash("model:N", legend=None)
    return base.mark_line(point=alt.OverlayMarkDef(size=70)).encode(strokeDash=dashes)


def _decided(marks: Sequence[dict[str, Any]], x: alt.X) -> list[alt.Chart]:
    base = alt.Chart(pd.DataFrame(marks)).encode(x=x, y=_y(), tooltip=["at:T", "kind:N", "what:N"])
    shapes = alt.Scale(domain=list(_ROWS), range=["diamond", "square", "triangle-up"])
    signs = base.mark_point(size=80, filled=True, color="gray", opacity=1)
    words = base.mark_text(align="left", dx=8, color="gray", limit=110).encode(text="words:N")
    return [signs.encode(shape=alt.Shape("kind:N", scale=shapes, legend=None)), words]


def _spoken(points: Sequence[dict[str, Any]], marks: Sequence[dict[str, Any]]) -> str:
    said = [f"{point['at']:%-d %b %Y} {point['y']:.0%} (model {point['model']})" for point in points]
    decided = [f"{mark['at']:%-d %b %Y} {mark['kind']} {mark['what']}" for mark in marks]
    return f"Malignant probability: {', '.join(said) or 'no reading'}. Decided: {', '.join(decided) or 'nothing yet'}"
