"""The parts of the public page that are HTML, in a person's language, from readings, guidance and words.

Pictures are put into the page itself, so that no copy of them lies in a cache.
"""

import base64
from collections.abc import Sequence
from html import escape

from babel.numbers import format_percent
from PIL import Image

from core import taxonomy
from core.demo.lesion_images import draw_lesion
from core.guidance import Decision, Outcome, Reason, guidance, reason_sentence, sentences, words
from core.languages import ENGLISH, LANGUAGES, Language
from core.vision.heat_map import overlay
from core.vision.intake import display_copy
from core.vision.reader import Reading

SHOWN_SIDE = 640
"""Longer side in pixels of the picture that is shown."""

FIRST_OPACITY = 0.45


def header(language: Language) -> str:
    """What the page is, and the way to the other languages."""
    links = "".join(
        f"<a href='{address(one)}' lang='{one.code}' hreflang='{one.code}'"
        f"{' aria-current=page' if one == language else ''}>{text(one.name)}</a>"
        for one in LANGUAGES
    )
    unchecked = "" if language == ENGLISH else f"<p class='unchecked'>{_(language, words.NEEDS_CHECK)}</p>"
    return (
        f"<nav class='languages' aria-label='{_(language, words.LANGUAGE)}'>{links}</nav>"
        f"<h1>{_(language, words.TITLE)}</h1><p class='lead'>{_(language, words.INTRODUCTION)}</p>{unchecked}"
    )


def address(language: Language) -> str:
    """Where the page in this language is, as seen from the others."""
    return "./?lang=en" if language == ENGLISH else f"./{language.code}"


def consent(language: Language) -> str:
    """What a person has to know before anything else."""
    return heading(language, words.CONSENT_TITLE) + _points(language, (*sentences.CONSENT_POINTS, words.PRIVACY))


def photo_tips(language: Language) -> str:
    """How to take a photo that can be read."""
    return heading(language, words.PHOTO_TITLE) + _points(language, (*sentences.PHOTO_TIPS, words.NOTHING_PERSONAL))


def photo_status(language: Language, *, problem: str = "") -> str:
    """Whether the photo was read; `problem` says why not, in the person's language."""
    if problem:
        return f"<p class='status problem' role='alert'>{_(language, words.PHOTO_NOT_READ)} {text(problem)}</p>"
    return said(language, words.PHOTO_READ)


def said(language: Language, sentence: str) -> str:
    """A sentence that is read out once there is time."""
    return f"<p class='status' role='status'>{_(language, sentence)}</p>"


def alert(language: Language, sentence: str) -> str:
    """A sentence that is read out at once."""
    return f"<p class='status problem' role='alert'>{_(language, sentence)}</p>"


def advice(language: Language, decision: Decision, *, problem: str = "") -> str:
    """What to do and why; `problem` says first why a photo could not be read."""
    told = guidance(decision.outcome)
    signs = "".join(f"<dt>{_(language, sign)}</dt><dd>{_(language, meaning)}</dd>" for sign, meaning in told.signs)
    unread = Reason.UNREADABLE in decision.reasons and decision.outcome is not Outcome.UNREADABLE
    first = [language.translate(reason_sentence(Reason.UNREADABLE))] if unread else []
    paragraphs = [*first, *([problem] if problem else []), *(language.translate(one) for one in told.advice)]
    reasons = [reason_sentence(reason) for reason in decision.reasons if reason is not Reason.UNREADABLE]
    return (
        f"<section class='outcome {told.outcome}' role='status' tabindex='-1'><h2>{_(language, told.headline)}</h2>"
        + "".join(f"<p>{text(paragraph)}</p>" for paragraph in paragraphs)
        + (f"<h3>{_(language, words.WHY_TITLE)}</h3>{_points(language, reasons)}" if reasons else "")
        + (f"<dl>{signs}</dl>" if signs else "")
        + "".join(f"<h3>{_(language, title)}</h3>{_points(language, points)}" for title, points in told.lists)
        + "</section>"
    )


def match(language: Language, reading: Reading) -> str:
    """The leading class, its group, and what the percentage is not; then all nine as bars."""
    term = taxonomy.term(reading.prediction)
    ranked = sorted(reading.probabilities.items(), key=lambda item: -item[1])
    bars = "".join(_bar(language, name, probability) for name, probability in ranked)
    return (
        f"<section class='match card'>{heading(language, words.MATCH_TITLE)}"
        f"<p class='match-name'><b>{_(language, term.title)}</b> "
        f"<span>{_percent(language, reading.probabilities[reading.prediction])}</span></p>"
        f"<p class='group {reading.group}'>{_(language, words.GROUPS[reading.group])}</p>"
        f"<p>{_(language, sentences.group_words(reading.group))}</p>"
        f"<p class='note'>{_(language, sentences.NO_DIAGNOSIS)}</p>"
        f"<h3>{_(language, words.ALL_MATCHES_TITLE)}</h3><ul class='bars'>{bars}</ul>"
        f"<p class='note'>{_(language, words.MODEL, version=reading.model_version)}</p></section>"
    )


def _bar(language: Language, name: str, probability: float) -> str:
    group = taxonomy.term(name).group
    return (
        f"<li class='{group}'><span class='name'>{_(language, taxonomy.term(name).title)}</span>"
        f"<span class='share'>{_percent(language, probability)}</span>"
        f"<i style='inline-size:{max(probability, 0.004):.1%}'></i></li>"
    )


def region(language: Language, image: Image.Image, reading: Reading) -> str:
    """The photo with the heat map of the leading class over it, and a slider for its strength.

    The map is drawn at full strength and laid over the photo; blending the two evenly gives the same picture as drawing
    it weaker, so the slider needs no request.
    """
    small = image.copy()
    small.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    heated = overlay(small, reading.heat_map(), opacity=1.0)
    title = _(language, words.REGION_TITLE)
    return (
        f"<section class='region card'><h2>{title}</h2><div class='layers'>"
        f"<img src='{_inline(small)}' alt='{_(language, words.PHOTO_TITLE)}'>"
        f"<img class='heat' src='{_inline(heated)}' alt='{title}' style='opacity:{FIRST_OPACITY}'></div>"
        f"<label>{_(language, words.REGION_SLIDER)} <input type='range' min='0' max='1' step='0.05' "
        f"value='{FIRST_OPACITY}'></label><p class='note'>{_(language, sentences.REGION_NOTE)}</p></section>"
    )


MOVE_SLIDER = """
element.addEventListener("input", (event) => {
    const heat = element.querySelector(".heat");
    if (heat && event.target.type === "range") heat.style.opacity = event.target.value;
});
"""
"""What makes the slider of `region` work."""


def example_pictures(kinds: Sequence[str]) -> str:
    """CSS that puts a small drawing on the button of each example."""
    return "\n".join(
        f".example-{number} {{ background-image: url({_inline(draw_lesion(seed=7, size=128, kind=kind), side=128)}); }}"
        for number, kind in enumerate(kinds)
    )


def heading(language: Language, title: str) -> str:
    """A heading of a part of the page."""
    return f"<h2>{_(language, title)}</h2>"


def note(language: Language, sentence: str) -> str:
    """A remark in small print."""
    return f"<p class='note'>{_(language, sentence)}</p>"


def text(value: str) -> str:
    """Text that stays text: in HTML, and in the Handlebars template that Gradio makes of it in the browser."""
    return escape(value).replace("{", "&#123;").replace("`", "&#96;").replace("$", "&#36;")


def _(language: Language, sentence: str, **values: object) -> str:
    translated = language.translate(sentence)
    return text(translated.format(**values) if values else translated)


def _points(language: Language, points: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{_(language, point)}</li>" for point in points) + "</ul>"


def _percent(language: Language, probability: float) -> str:
    return text(format_percent(probability, format="#,##0%", locale=language.locale))


def _inline(image: Image.Image, *, side: int = SHOWN_SIDE) -> str:
    encoded = base64.b64encode(display_copy(image, max_side=side)).decode("ascii")
    return f"data:image/jpeg;base64,{encoded}"
