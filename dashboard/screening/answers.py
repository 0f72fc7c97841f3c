"""The parts of the public page that are HTML, from readings, guidance and clinics.

Pictures are put into the page itself, so that no copy of them lies in a cache.
"""

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from PIL import Image

from core import guidance, taxonomy
from core.clinics.nearest import Near
from core.clinics.places import Place, country_name
from core.guidance import Guidance
from core.vision.heat_map import overlay
from core.vision.intake import display_copy
from core.vision.reader import Reading
from dashboard.clinic_words import KIND_TITLES, distance_text, web_address

SHOWN_SIDE = 720
"""Longer side in pixels of the picture that is shown."""

FIRST_OPACITY = 0.45


def introduction() -> str:
    """What the page is."""
    return f"<h1>{_text(guidance.TITLE)}</h1><p class='lead'>{_text(guidance.INTRODUCTION)}</p>"


def consent() -> str:
    """What a person has to know before anything else."""
    return f"<h2>{_text(guidance.CONSENT_TITLE)}</h2>{_points(guidance.CONSENT_POINTS)}"


def photo_tips() -> str:
    """How to take a photo that can be read."""
    return f"<h2>{_text(guidance.PHOTO_TITLE)}</h2>{_points(guidance.PHOTO_TIPS)}"


def advice(told: Guidance, *, reason: str = "") -> str:
    """What to do; `reason` says first why a photo could not be read."""
    signs = "".join(f"<dt>{_text(sign)}</dt><dd>{_text(meaning)}</dd>" for sign, meaning in told.signs)
    paragraphs = "".join(f"<p>{_text(sentence)}</p>" for sentence in ([reason] if reason else []) + list(told.advice))
    return (
        f"<section class='outcome {told.outcome}' role='status'><h2>{_text(told.headline)}</h2>{paragraphs}"
        + (f"<dl>{signs}</dl>" if signs else "")
        + "".join(f"<h3>{_text(title)}</h3>{_points(points)}" for title, points in told.lists)
        + "</section>"
    )


def match(reading: Reading, *, urgent: bool) -> str:
    """The leading class, its group in plain words, and what the percentage is not.

    Where the advice is more urgent than that class sounds, it says why.
    """
    term = taxonomy.term(reading.prediction)
    percent = f"{reading.probabilities[reading.prediction]:.0%}"
    mixed = guidance.MIXED_MATCH.format(percent=f"{reading.malignant_probability:.0%}")
    why = f"<p>{_text(mixed)}</p>" if urgent and reading.group is taxonomy.Group.BENIGN else ""
    return (
        f"<section class='match card'><h2>{_text(guidance.MATCH_TITLE)}</h2>"
        f"<p class='match-name'><b>{_text(term.title)}</b> <span>{percent}</span></p>"
        f"<p>{_text(guidance.group_words(reading.group))}</p>{why}<p class='note'>{_text(guidance.NO_DIAGNOSIS)}</p>"
        f"<p class='note'>Model {_text(reading.model_version)}</p></section>"
    )


def region(image: Image.Image, reading: Reading) -> str:
    """The photo with the heat map of the leading class over it, and a slider for its strength.

    The map is drawn at full strength and laid over the photo; blending the two evenly gives the same picture as drawing
    it weaker, so the slider needs no request.
    """
    small = image.copy()
    small.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    heated = overlay(small, reading.heat_map(), opacity=1.0)
    title = _text(guidance.REGION_TITLE)
    return (
        f"<section class='region card'><h2>{title}</h2><div class='layers'>"
        f"<img src='{_inline(small)}' alt='{_text(guidance.PHOTO_TITLE)}'>"
        f"<img class='heat' src='{_inline(heated)}' alt='{title}' style='opacity:{FIRST_OPACITY}'></div>"
        f"<label>{_text(guidance.REGION_SLIDER)} <input type='range' min='0' max='1' step='0.05' "
        f"value='{FIRST_OPACITY}'></label><p class='note'>{_text(guidance.REGION_NOTE)}</p></section>"
    )


MOVE_SLIDER = """
element.addEventListener("input", (event) => {
    const heat = element.querySelector(".heat");
    if (heat && event.target.type === "range") heat.style.opacity = event.target.value;
});
"""
"""What makes the slider of `region` work."""


def nearest_clinics(places: Sequence[Place], found: Sequence[Near[Any]]) -> str:
    """The clinics nearest to the first of `places`, and the other places that may have been meant."""
    if not places:
        return _note(guidance.PLACE_UNKNOWN)
    if not found:
        return _note(guidance.PLACES_NONE)
    rows = "".join(_clinic_row(near) for near in found)
    others = " · ".join(_text(place.title) for place in places[1:])
    return (
        f"<h3>{_text(places[0].title)}</h3><ol class='clinics'>{rows}</ol>"
        + (f"<p class='note'>{_text(guidance.PLACE_OTHERS)} {others}</p>" if others else "")
        + _note(guidance.PLACES_NOTE)
    )


def _clinic_row(near: Near[Any]) -> str:
    clinic = near.clinic
    where = f"{KIND_TITLES[clinic.kind]} · {clinic.city}, {country_name(clinic.country)}"
    address = web_address(clinic.website)
    contact = [f"<a href='{_text(address)}' target='_blank' rel='noopener noreferrer'>Website</a>"] if address else []
    if clinic.phone:
        dialled = "".join(sign for sign in clinic.phone if sign in "+0123456789")
        contact.append(f"<a href='tel:{dialled}'>{_text(clinic.phone)}</a>")
    return (
        f"<li><b>{_text(clinic.name)}</b><span class='distance'>{distance_text(near.distance_km)}</span>"
        f"<div>{_text(where)}</div><div>{' '.join(contact)}</div></li>"
    )


def _points(points: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(point)}</li>" for point in points) + "</ul>"


def _note(sentence: str) -> str:
    return f"<p class='note'>{_text(sentence)}</p>"


def _text(text: str) -> str:
    """Text that stays text: in HTML, and in the Handlebars template that Gradio makes of it in the browser."""
    return escape(text).replace("{", "&#123;").replace("`", "&#96;").replace("$", "&#36;")


def _inline(image: Image.Image) -> str:
    encoded = base64.b64encode(display_copy(image, max_side=SHOWN_SIDE)).decode("ascii")
    return f"data:image/jpeg;base64,{encoded}"
