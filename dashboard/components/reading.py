"""A reading as people see it: probabilities, group, heat map over the image; and the small forms of it in lists."""

import io
from functools import lru_cache

import altair as alt
import pandas as pd
import streamlit as st
from PIL import Image as Picture

from core import taxonomy
from core.records import readings
from core.records.tables import Diagnosis, Image, StoredReading
from core.taxonomy import Group
from core.vision import heat_map
from core.vision.certainty import Certainty
from core.vision.intake import display_copy
from dashboard import page
from dashboard.components.explanations import explanations
from dashboard.session import workspace

THUMBNAIL_SIDE = 320

SUPPORT = (
    "A reading is what a computer model said of one image. It supports the clinician and does not replace them: it is "
    "not a diagnosis."
)

NOT_READABLE = "The model cannot read this image"
RETAKE = (
    "The image is kept, and your own eyes decide. Where it shows a lesion, take it again: in focus, evenly lit, the "
    "lesion in the middle and filling about half of the picture."
)
PREDICTION_SET = (
    "The classes that the model cannot rule out. On images like those it was measured on, such a list holds the true "
    "class nine times in ten."
)

GROUP_WORDS = {
    Group.MALIGNANT: "malignant: a skin cancer",
    Group.INDETERMINATE: "indeterminate: precancerous, can become a skin cancer",
    Group.BENIGN: "benign",
}

_GROUP_COLOURS = {Group.MALIGNANT: "red", Group.INDETERMINATE: "orange", Group.BENIGN: "gray"}
_BAR_COLOURS = {Group.MALIGNANT: "#c2413a", Group.INDETERMINATE: "#d08a1d", Group.BENIGN: "#8a979b"}
_GROUP_ICONS = {
    Group.MALIGNANT: ":material/warning:",
    Group.INDETERMINATE: ":material/help:",
    Group.BENIGN: ":material/circle:",
}


@lru_cache(maxsize=2048)
def _thumbnail(display_sha256: str, side: int) -> bytes:
    # Files in the store never change, so neither does what is made of them.
    with Picture.open(io.BytesIO(workspace().images.get(display_sha256))) as picture:
        # The decoder itself leaves out what a small picture does not show.
        picture.draft("RGB", (side, side))
        return display_copy(picture.convert("RGB"), max_side=side)


def group_badge(class_name: str) -> None:
    """The class with its group, as a badge: colour, sign and words say the same."""
    term = taxonomy.term(class_name)
    st.badge(f"{term.title} · {term.group}", color=_GROUP_COLOURS[term.group], icon=_GROUP_ICONS[term.group])


def reading_badge(reading: StoredReading) -> None:
    """The leading class with its group, or that the image could not be read."""
    if reading.readable:
        group_badge(reading.prediction)
    else:
        st.badge("Not readable", color="gray", icon=":material/visibility_off:")


def probability_text(reading: StoredReading) -> str:
    """The malignant probability as a list shows it, "62%"; a dash where the image could not be read."""
    return f"{reading.malignant_probability:.0%}" if reading.readable else "–"


def diagnosis_badge(diagnosis: Diagnosis) -> None:
    """A clinician's diagnosis, which looks different from any reading."""
    st.badge(f"Diagnosis: {page.plain(diagnosis.name)}", color="violet", icon=":material/stethoscope:")


def thumbnail_file(image: Image, *, side: int = THUMBNAIL_SIDE) -> bytes:
    """The image as a small JPEG, its longer side at most `side` pixels. Raises NotFound, Unavailable."""
    return _thumbnail(image.display_sha256, side)


def thumbnail(image: Image) -> None:
    """The image, small, as a list shows it."""
    with page.errors_told():
        description = f"{image.lesion.label}, {page.day(image.visit.at)}"
        st.image(thumbnail_file(image), width="stretch", alt=description)


def probability_bars(reading: StoredReading) -> None:
    """All nine probabilities, the highest first, coloured by group."""
    rows = [
        {"class": taxonomy.term(name).title, "probability": value, "group": str(taxonomy.term(name).group)}
        for name, value in reading.probabilities.items()
    ]
    rows.sort(key=lambda row: -row["probability"])
    bars = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("probability:Q", axis=None, scale=alt.Scale(domain=[0, 1.2])),
        y=alt.Y(
            "class:N",
            sort=[row["class"] for row in rows],
            title=None,
            axis=alt.Axis(labelLimit=200, ticks=False, domain=False),
        ),
    )
    colour = alt.Color(
        "group:N",
        scale=alt.Scale(domain=[str(group) for group in Group], range=[_BAR_COLOURS[group] for group in Group]),
        legend=None,
    )
    text = bars.mark_text(align="left", dx=5, color="gray").encode(text=alt.Text("probability:Q", format=".1%"))
    chart = bars.mark_bar(cornerRadiusEnd=3, height={"band": 0.7}).encode(color=colour) + text
    spoken = ", ".join(f"{row['class']} {row['probability']:.1%}" for row in rows)
    st.altair_chart(chart.properties(height=270), width="stretch", alt=f"Probabilities: {spoken}")
    st.markdown(":red-badge[malignant] :orange-badge[indeterminate: precancerous] :gray-badge[benign]")


@st.fragment
def reading_panel(image: Image) -> None:
    """The newest reading of an image: picture with heat map at the left, what the model said at the right."""
    reading = image.reading
    left, right = st.columns([1, 1], gap="large")
    if reading is None:
        with left:
            thumbnail(image)
        right.info("This image has no reading.", icon=":material/hourglass_empty:")
        return
    if not reading.readable:
        with left:
            thumbnail(image)
        with right:
            st.warning(f"{NOT_READABLE}: no answer is shown. {reading.concern}", icon=":material/visibility_off:")
            st.markdown(RETAKE)
            _signature(reading)
        return
    with left, page.errors_told():
        _picture(image, reading)
    with right:
        _answer(reading)
    explanations(reading, lambda: _pixels(image.display_sha256))


def _answer(reading: StoredReading) -> None:
    term = taxonomy.term(reading.prediction)
    st.markdown(f"#### {term.title} · {reading.probabilities[reading.prediction]:.0%}")
    st.markdown(f"Leading class, {GROUP_WORDS[term.group]}")
    st.markdown(f"Malignant or precancerous, all such classes together: **{reading.malignant_probability:.0%}**")
    if reading.flagged:
        st.warning("Flagged: over the model's threshold for malignant or precancerous.", icon=":material/flag:")
    if reading.certainty is Certainty.UNCERTAIN:
        st.warning(f"Uncertain: needs review. {reading.concern}", icon=":material/help:")
    probability_bars(reading)
    if reading.prediction_set:
        names = ", ".join(taxonomy.term(name).title for name in reading.prediction_set)
        st.markdown(f"May be: **{names}**", help=PREDICTION_SET)
    _signature(reading)


def _signature(reading: StoredReading) -> None:
    st.caption(f"{SUPPORT} Model {reading.model_version}, read {page.day_and_time(reading.at)}.")


def _picture(image: Image, reading: StoredReading) -> None:
    classes = sorted(reading.probabilities, key=lambda name: -reading.probabilities[name])
    picture = st.container()
    chosen, opacity = st.columns(2)
    name = chosen.selectbox(
        "Heat map of", classes, format_func=lambda name: taxonomy.term(name).title, key=f"class_{reading.id}"
    )
    percent = opacity.slider("Opacity", 0, 100, 45, step=5, format="%d%%", key=f"opacity_{reading.id}")
    pixels = _pixels(image.display_sha256)
    shown = heat_map.overlay(pixels, readings.heat_map_of(reading, name), opacity=percent / 100) if percent else pixels
    description = f"Heat map of {name} over the image of {page.day(image.visit.at)}"
    picture.image(shown, width="stretch", alt=description)
    st.caption("The heat map shows what the model attended to, not where the lesion ends.")


def pixels_of(display_sha256: str) -> Picture.Image:
    """An image's small copy, for other pieces of a page that draw on it; whoever draws does so on a copy."""
    return _pixels(display_sha256)


@lru_cache(maxsize=64)
def _pixels(display_sha256: str) -> Picture.Image:
    with Picture.open(io.BytesIO(workspace().images.get(display_sha256))) as picture:
        return picture.convert("RGB")
