"""What was measured of a lesion: its outline over the image, its scale, and what changed from visit to visit."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image as Picture
from PIL import ImageDraw

from core.records import comparisons, outlines
from core.records.actor import Actor, Permission
from core.records.outlines import ImageMeasures
from core.records.tables import Image, StoredOutline
from core.vision.change import QUANTITIES, Change, Quantity, quantity
from core.vision.registration import Matrix
from dashboard import page
from dashboard.components.pointed_picture import length_marks, outline_editor
from dashboard.components.reading import pixels_of
from dashboard.session import workspace

ESTIMATE = (
    "Measures and the terms A, B and C of the ABCD rule are estimates from pixels, with their 95 % uncertainty from "
    "measuring again. They support the clinician and are no diagnosis; D, the differential structures, is the "
    "clinician's to score. Colours compare only under the same light and camera."
)

MOST_ALIGNED_UNASKED = 5
"""Images; each takes about half a second."""


@st.fragment
def measurements(actor: Actor, chosen: Image) -> None:
    """The outline and scale of the chosen image, and the changes over all of its lesion's images.

    Nothing is computed until somebody asks for it.
    """
    if not st.toggle("Outline and measure", key=f"measure:{chosen.lesion_id}"):
        return
    with page.errors_told():
        found = outlines.measures_of_lesion(page.database(), actor, lesion_id=chosen.lesion_id)
        own = next((entry for entry in found if entry.image.id == chosen.id), None)
        if own is None:
            # It was moved to another lesion since the page was drawn.
            st.rerun()
        if own.outline is None:
            with st.spinner("Outlining …"):
                _outline(actor, chosen)
            # The timeline above draws what is measured.
            st.rerun()
        outline = own.outline
        left, right = st.columns(2, gap="large")
        with left:
            _picture(actor, chosen, outline)
        with right:
            _values(own)
            _scale(actor, own)
        if len(found) > 1:
            _changes(actor, found)
        st.caption(ESTIMATE)


def _outline(actor: Actor, image: Image) -> StoredOutline:
    here = workspace()
    return outlines.outline_of(here.database, actor, store=here.images, outliner=here.outliner, image_id=image.id)


def _picture(actor: Actor, image: Image, outline: StoredOutline) -> None:
    pixels, size = pixels_of(image.display_sha256), (image.width, image.height)
    correcting = actor.may(Permission.DIAGNOSE) and st.toggle("Correct the outline", key=f"correct:{image.id}")
    if correcting:
        points = outline_editor(pixels, size, outline.polygon, key=f"outline:{outline.id}:{image.id}")
        if points:
            outlines.correct_outline(
                page.database(), actor, store=workspace().images, image_id=image.id, polygon=points, seen=outline.id
            )
            page.tell_next("The outline is kept.")
            st.rerun()
    else:
        st.image(_drawn(pixels, size, outline.polygon), width="stretch", alt="The lesion's outline over the image")
    if outline.remark:
        st.warning(outline.remark, icon=":material/help:")
    if outline.user:
        st.caption(f"Outlined by {page.plain(outline.user.full_name)}, {page.day_and_time(outline.at)}.")
    else:
        st.caption(f"Outlined by the network {outline.model_version}, confidence {outline.confidence:.0%}.")


def _drawn(pixels: Picture.Image, size: tuple[int, int], polygon: Sequence[Sequence[float]]) -> Picture.Image:
    drawn = pixels.copy()
    if polygon:
        scale = np.array(pixels.size) / size
        line = [tuple(point) for point in np.array([*polygon, polygon[0]]) * scale]
        draw = ImageDraw.Draw(drawn)
        thick = max(2, round(max(pixels.size) / 250))
        draw.line(line, fill="black", width=2 * thick, joint="curve")
        draw.line(line, fill="white", width=thick, joint="curve")
    return drawn


def _values(entry: ImageMeasures) -> None:
    measured = entry.measured
    if measured is None:
        st.info("Without an outline there is nothing to measure.", icon=":material/straighten:")
        return
    image, scale = entry.image, entry.mm_per_pixel
    rows = []
    for each in QUANTITIES:
        value, error = measured.values[each.name], measured.uncertainties[each.name]
        rows.append({"measure": each.title, "value": f"{_number(each, value, scale)} ± {_number(each, error, scale)}"})
    shares = (
        measured.values["area"] / (image.width * image.height),
        measured.values["diameter"] / max(image.width, image.height),
    )
    rows.append({"measure": "Area, share of the image", "value": f"{shares[0]:.1%}"})
    rows.append({"measure": "Diameter, share of the longer side", "value": f"{shares[1]:.1%}"})
    st.table(pd.DataFrame(rows).set_index("measure"))


def _number(each: Quantity, value: float, mm_per_pixel: float | None) -> str:
    if not each.power or not np.isfinite(value):
        return each.written(value)
    square = "²" if each.power == 2 else ""
    return (
        f"{each.written(value * mm_per_pixel**each.power)} mm{square}" if mm_per_pixel else f"{value:,.0f} px{square}"
    )


def _scale(actor: Actor, entry: ImageMeasures) -> None:
    image = entry.image
    if entry.mm_per_pixel:
        st.caption(f"Scale: {entry.mm_per_pixel:.4g} mm per pixel.")
    else:
        st.caption("No scale is known: sizes are in pixels.")
    if not actor.may(Permission.WRITE_CHART):
        return
    with st.expander("Set the scale", icon=":material/straighten:"):
        known = st.number_input(
            "mm per pixel, from the dermatoscope's setting",
            0.0,
            None,
            0.0,
            step=0.001,
            format="%.4f",
            key=f"mm:{image.id}",
        )
        if st.button("Use this setting", key=f"setting:{image.id}", disabled=not known):
            outlines.set_scale(page.database(), actor, image_id=image.id, mm_per_pixel=known)
            st.rerun()
        length = st.number_input(
            "Or a known length in mm, of a ruler or coin", 0.1, 500.0, 10.0, key=f"length:{image.id}"
        )
        marks = length_marks(pixels_of(image.display_sha256), (image.width, image.height), key=f"marks:{image.id}")
        if marks:
            outlines.set_scale_by_marks(page.database(), actor, image_id=image.id, marks=marks, length_mm=length)
            st.rerun()


def _changes(actor: Actor, found: Sequence[ImageMeasures]) -> None:
    st.markdown("**Change since the first image**")
    missing = [entry.image for entry in found if entry.outline is None]
    if missing:
        words = f"Outline the other {len(missing)} images" if len(missing) > 1 else "Outline the other image"
        if not st.button(words, icon=":material/timeline:", key=f"outline-all:{found[0].image.lesion_id}"):
            st.caption("The table appears once all images are outlined.")
            return
        progress = st.progress(0.0)
        for count, image in enumerate(missing, start=1):
            _outline(actor, image)
            progress.progress(count / len(missing))
        st.rerun()
    with_lesion = [entry for entry in found if entry.measured]
    if len(with_lesion) < 2:
        st.info("A lesion was outlined in fewer than two images.", icon=":material/show_chart:")
        return
    first, later = with_lesion[0], with_lesion[1:]
    matrices = _matrices(actor, first, later)
    lines = [(entry, outlines.changes_between(first, entry, matrix=matrices.get(entry.image.id))) for entry in later]
    st.dataframe(pd.DataFrame([_row(entry, changes, first) for entry, changes in lines]), hide_index=True)
    if any(line.changed is None for _, changes in lines for line in changes):
        st.caption("Sizes compare only where both images have a scale, or are aligned by the skin around the lesion.")
    _chart(first, lines)


def _matrices(actor: Actor, first: ImageMeasures, later: Sequence[ImageMeasures]) -> dict[int, Matrix]:
    """What takes the later images' pixels to the first one's; nothing where nobody asks to align so many."""
    if not st.toggle(
        "Align the images, to take magnification out",
        len(later) <= MOST_ALIGNED_UNASKED,
        key=f"align:{first.image.lesion_id}",
        help="Images that have a scale compare by it; the others only where they are aligned.",
    ):
        return {}
    with st.spinner("Aligning the images"):
        return comparisons.growth_matrices(
            page.database(),
            actor,
            store=workspace().images,
            first_id=first.image.id,
            other_ids=[entry.image.id for entry in later],
        )


def _row(entry: ImageMeasures, changes: Sequence[Change], first: ImageMeasures) -> dict[str, str]:
    cells = {"image": page.day(entry.image.visit.at)}
    for line in changes:
        each = quantity(line.name)
        if line.difference is None or line.uncertainty is None or not np.isfinite(line.uncertainty):
            cells[each.title] = "not comparable" if line.difference is None else "unsure"
            continue
        sign = "+" if line.difference >= 0 else "−"
        amount = f"{sign}{_number(each, abs(line.difference), first.mm_per_pixel)}"
        error = _number(each, line.uncertainty, first.mm_per_pixel)
        share = f" ({line.difference / line.first:+.1%})" if each.power else ""
        cells[each.title] = f"{amount} ± {error}{share}" + (" · changed" if line.changed else "")
    return cells


def _chart(first: ImageMeasures, lines: Sequence[tuple[ImageMeasures, Sequence[Change]]]) -> None:
    chosen = st.selectbox(
        "Chart of", [each.name for each in QUANTITIES], format_func=lambda name: quantity(name).title, key="chart-of"
    )
    each, measured = quantity(chosen), first.measured
    assert measured is not None
    factor = (first.mm_per_pixel or 1.0) ** each.power
    unit = (" (mm" if first.mm_per_pixel else " (px") + ("²)" if each.power == 2 else ")") if each.power else ""
    points = [(first, measured.values[chosen], 0.0, None)]
    for entry, changes in lines:
        line = next(line for line in changes if line.name == chosen)
        if line.second is not None and line.uncertainty is not None and np.isfinite(line.uncertainty):
            points.append((entry, line.second, line.uncertainty, line.changed))
    if len(points) < 2:
        st.caption("Nothing to draw: the images do not compare in this.")
        return
    frame = pd.DataFrame(
        {
            "taken": entry.image.visit.at.astimezone(),
            "value": value * factor,
            "low": (value - error) * factor,
            "high": (value + error) * factor,
            "state": {True: "changed", False: "within the uncertainty", None: "first image"}[changed],
        }
        for entry, value, error, changed in points
    )
    base = alt.Chart(frame).encode(x=alt.X("taken:T", title=None))
    y = alt.Y("value:Q", title=each.title + unit, scale=alt.Scale(zero=False))
    colours = alt.Scale(
        domain=["first image", "within the uncertainty", "changed"], range=["#8a979b", "#14978a", "#c2413a"]
    )
    shown = (
        base.mark_rule(color="#8a979b").encode(y=alt.Y("low:Q", title=each.title + unit), y2="high:Q")
        + base.mark_line(color="#8a979b").encode(y=y)
        + base.mark_point(filled=True, size=90).encode(
            y=y,
            color=alt.Color("state:N", scale=colours, legend=alt.Legend(orient="bottom", title=None)),
            shape=alt.Shape("state:N", scale=alt.Scale(domain=colours.domain), legend=None),
        )
    )
    spoken = ", ".join(f"{row.taken:%-d %b %Y} {row.value:.3g} ({row.state})" for row in frame.itertuples())
    st.altair_chart(shown.properties(height=240), width="stretch", alt=f"{each.title}: {spoken}")
