"""A lesion on one time axis: its images, what models said of them, what was decided, and what was measured."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core import taxonomy
from core.errors import DermTrailError
from core.records import comparisons, curves
from core.records.curves import SCORES, Curve, CurvePoint
from core.records.outlines import ImageMeasures
from core.records.tables import Image, Lesion
from core.records.terms import ConfirmType
from core.records.timeline import Decisions
from core.vision.change import quantity
from core.vision.registration import Matrix
from dashboard import page
from dashboard.components.body_map import STATE_WORDS
from dashboard.components.reading import thumbnail_file
from dashboard.session import workspace

STRIP_SIDE = 56
"""Side in pixels of an image on the axis."""

STRIP_ROOM = 15
"""So many images fit beside each other on the axis of a narrow page."""

FEW = 8
"""Up to so many images each has a button; more are chosen with a slider."""

# Heights in pixels, from top to bottom: the strip of images, the probability, the rows of decisions, what was measured.
_STRIP = STRIP_SIDE + 8
_PROBABILITY = 180
_ROW = 20
_AREA, _SCORE = 80, 48
_GAP = 22

_ROWS = ("diagnosis", "state", "procedure", "recall")
_CHANGED, _UNCHANGED = "#c2413a", "#14978a"


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


def timeline(found: Sequence[Image], decisions: Decisions, measures: Sequence[ImageMeasures]) -> None:
    """The images, the malignant probability, the decisions and what was measured, all on one axis of time.

    Of what was measured, only what is kept is drawn; images are aligned only where somebody asks for it.
    """
    align = f"align-areas:{found[0].lesion_id}"
    aligns = curves.needs_alignment(measures)
    area = curves.area_curve(measures, matrices=_matrices(measures) if aligns and st.session_state.get(align) else None)
    _chart(found, decisions, [area, *curves.score_curves(measures)])
    _tell_measured(area, measures)
    if aligns:
        st.toggle(
            "Compare the areas of aligned images",
            key=align,
            help="Where not all of them have a scale. Each takes about half a second.",
        )


def _matrices(measures: Sequence[ImageMeasures]) -> dict[int, Matrix]:
    first, *later = (entry.image.id for entry in measures if entry.measured)
    with page.errors_told(), st.spinner("Aligning the images"):
        store = workspace().images
        return comparisons.growth_matrices(page.database(), page.person(), store=store, first_id=first, other_ids=later)
    return {}


def _tell_measured(area: Curve, measures: Sequence[ImageMeasures]) -> None:
    """What the curves leave out, and why."""
    outlined = [entry for entry in measures if entry.outline]
    if not outlined:
        st.caption("Area and the terms A, B and C are drawn here once the images are outlined: switch that on below.")
        return
    said = []
    if missing := len(measures) - len(outlined):
        said.append(f"{missing} of {len(measures)} images are not outlined yet: switch that on below.")
    if empty := sum(not entry.measured for entry in outlined):
        said.append(f"In {empty} of {len(measures)} images no lesion was outlined.")
    if area.left_out:
        said.append(f"{area.left_out} of {area.left_out + len(area.points)} areas are left out: without a scale they "
                    "do not compare.")  # fmt: skip
    said.append("A, B and C are estimates from pixels. Bars are the 95 % uncertainty; a red diamond has changed since "
                "the first by more than that.")  # fmt: skip
    st.caption(" ".join(said))


def _chart(found: Sequence[Image], decisions: Decisions, measured: Sequence[Curve]) -> None:
    points, marks = _points(found), _marks(decisions)
    drawn = [curve for curve in measured if curve.points]
    versions = sorted({point["model"] for point in points})
    strip = _strip(found, [mark["at"] for mark in marks])
    x = alt.X("at:T", title=None, scale=alt.Scale(nice=True, padding=STRIP_SIDE / 2))
    layers = [_pictures(strip, x)] if strip else []
    foot = _STRIP + _GAP + _PROBABILITY
    if points:
        layers.append(_probabilities(points, x, versions, foot))
    if marks:
        layers.append(_decided(marks, x, top=foot + _GAP / 2))
        foot += _GAP / 2 + _ROW * len(_ROWS)
    for curve in drawn:
        height = _SCORE if curve.name in SCORES else _AREA
        layers.append(_measured(curve, x, top=foot + _GAP, foot=foot + _GAP + height))
        foot += _GAP + height
    # Each layer has a scale of its own between two heights: so they share the axis of time, and the plot's width.
    chart = alt.layer(*layers).resolve_scale(y="independent").properties(height=foot)
    chart.autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    st.altair_chart(chart, width="stretch", alt=_spoken(points, marks, drawn))
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


def _between(top: float, foot: float, domain: Sequence[float] | None = None) -> alt.Scale:
    """A scale that is drawn between two heights in pixels from the top of the plot."""
    limits = {"domain": list(domain)} if domain else {"zero": False}
    return alt.Scale(range=[foot, top], nice=domain is None, **limits)


def _points(found: Sequence[Image]) -> list[dict[str, Any]]:
    """Each image's newest reading by each version."""
    newest = {(image.id, reading.model_version): (image, reading) for image in found for reading in image.readings}
    return [
        {
            "at": image.visit.at.astimezone(),
            "probability": reading.malignant_probability,
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
    rows += [(one.at, "procedure", one.kind, f"{one.kind} planned") for one in decisions.procedures]
    rows += [
        (one.at, "procedure", "pathology", f"pathology result: {one.name}")
        for one in decisions.diagnoses
        if one.confirm_type is ConfirmType.HISTOPATHOLOGY
    ]
    for one in decisions.recalls:
        due = f"due {one.due_on:%-d %b %Y}"
        rows.append((datetime.combine(one.due_on, midnight), "recall", "closed" if one.closed_at else "due", due))
    # What stands in one row at one day would be written over each other.
    together: dict[tuple[str, date], list[tuple[datetime, str, str]]] = {}
    for at, kind, words, what in rows:
        together.setdefault((kind, at.astimezone().date()), []).append((at.astimezone(), words, what))
    return [
        {
            "at": max(at for at, _, _ in these),
            "kind": kind,
            "words": ", ".join(words for _, words, _ in these),
            "what": "; ".join(what for _, _, what in these),
        }
        for (kind, _), these in together.items()
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
        rows.append({"at": image.visit.at.astimezone(), "url": url, "day": page.day(image.visit.at)})
    return rows


def _pictures(strip: Sequence[dict[str, Any]], x: alt.X) -> alt.Chart:
    base = alt.Chart(pd.DataFrame(strip)).encode(x=x, y=alt.value(_STRIP / 2), url="url:N", tooltip="day:N")
    return base.mark_image(width=STRIP_SIDE, height=STRIP_SIDE)


def _probabilities(points: Sequence[dict[str, Any]], x: alt.X, versions: Sequence[str], foot: float) -> alt.Chart:
    y = alt.Y(
        "probability:Q",
        scale=_between(foot - _PROBABILITY, foot, (0, 1)),
        axis=alt.Axis(orient="left", values=[0, 0.25, 0.5, 0.75, 1], format=".0%", grid=True),
        title="malignant or precancerous",
    )
    # A legend takes its height from the lines, and tells nothing of a single one.
    legend = alt.Legend(orient="bottom", title="Model", labelLimit=400) if len(versions) > 1 else None
    tooltip = [
        "at:T",
        alt.Tooltip("probability:Q", format=".1%", title="malignant or precancerous"),
        "leading class:N",
        "model:N",
    ]
    base = alt.Chart(pd.DataFrame(points)).encode(x=x, y=y, color=alt.Color("model:N", legend=legend), tooltip=tooltip)
    dashes = alt.StrokeDash("model:N", legend=None)
    return base.mark_line(point=alt.OverlayMarkDef(size=70)).encode(strokeDash=dashes)


def _decided(marks: Sequence[dict[str, Any]], x: alt.X, *, top: float) -> alt.LayerChart:
    height = _ROW * len(_ROWS)
    y = alt.Y(
        "kind:N",
        scale=alt.Scale(domain=list(_ROWS), range=[top + _ROW / 2, top + height - _ROW / 2], type="point"),
        axis=alt.Axis(orient="left", grid=True, ticks=False, domain=False, labelOverlap=False),
        title=None,
    )
    base = alt.Chart(pd.DataFrame(marks)).encode(x=x, y=y, tooltip=["at:T", "kind:N", "what:N"])
    shapes = alt.Scale(domain=list(_ROWS), range=["diamond", "square", "cross", "triangle-up"])
    signs = base.mark_point(size=80, filled=True, color="gray", opacity=1)
    words = base.mark_text(align="left", dx=8, color="gray", limit=110).encode(text="words:N")
    return alt.layer(signs.encode(shape=alt.Shape("kind:N", scale=shapes, legend=None)), words)


def _measured(curve: Curve, x: alt.X, *, top: float, foot: float) -> alt.LayerChart:
    """A curve with its uncertainty as bars; what has changed since its first point looks different."""
    limits = SCORES.get(curve.name)
    rows = [_row(point, curve, limits) for point in curve.points]
    ticks = {"values": list(limits), "titleAngle": 0} if limits else {"tickCount": 3}
    axis = alt.Axis(orient="left", grid=True, **ticks)
    title = _title(curve)
    tooltip = ["at:T", alt.Tooltip("said:N", title=title), alt.Tooltip("since:N", title="since the first")]

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=_between(top, foot, limits), axis=axis, title=title.partition(":")[0])

    base = alt.Chart(pd.DataFrame(rows)).encode(x=x, tooltip=tooltip)
    changed = alt.datum.changed
    bars = base.mark_rule(color=_UNCHANGED, strokeWidth=2, opacity=0.6).encode(y=y("low"), y2="high:Q")
    line = base.mark_line(color=_UNCHANGED, opacity=0.6).encode(y=y("value"))
    signs = base.mark_point(size=70, filled=True, opacity=1).encode(
        y=y("value"),
        color=alt.condition(changed, alt.value(_CHANGED), alt.value(_UNCHANGED)),
        shape=alt.condition(changed, alt.value("diamond"), alt.value("circle")),
    )
    return alt.layer(bars, line, signs)


def _row(point: CurvePoint, curve: Curve, limits: tuple[int, int] | None) -> dict[str, Any]:
    error = point.uncertainty or 0.0
    lowest, highest = limits or (0.0, float("inf"))
    since = {True: "changed", False: "within the uncertainty", None: "the first"}[point.changed]
    return {
        "at": point.image.visit.at.astimezone(),
        "value": point.value,
        "low": max(point.value - error, lowest),
        "high": min(point.value + error, highest),
        "changed": bool(point.changed),
        "said": _said(point, curve),
        "since": since,
    }


def _title(curve: Curve) -> str:
    return f"area, {curve.unit}" if curve.unit else quantity(curve.name).title


def _said(point: CurvePoint, curve: Curve) -> str:
    digits = 0 if curve.name in SCORES else 1
    unit = "" if curve.name in SCORES else f" {curve.unit}"
    error = "unknown" if point.uncertainty is None else f"{point.uncertainty:.1f}"
    return f"{point.value:.{digits}f} ± {error}{unit}"


def _spoken(points: Sequence[dict[str, Any]], marks: Sequence[dict[str, Any]], measured: Sequence[Curve]) -> str:
    said = [f"{point['at']:%-d %b %Y} {point['probability']:.0%} (model {point['model']})" for point in points]
    decided = [f"{mark['at']:%-d %b %Y} {mark['kind']} {mark['what']}" for mark in marks]
    sentences = [
        f"Malignant probability: {', '.join(said) or 'no reading'}",
        f"Decided: {', '.join(decided) or 'nothing yet'}",
    ]
    for curve in measured:
        values = [
            f"{page.day(point.image.visit.at)} {_said(point, curve)}{' (changed)' if point.changed else ''}"
            for point in curve.points
        ]
        sentences.append(f"{_title(curve)}: {', '.join(values)}")
    return ". ".join(sentences)
