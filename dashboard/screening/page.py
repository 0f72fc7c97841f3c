"""The page itself: consent, photo, answer, the nearest clinics."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from PIL import Image

from core import guidance
from core.clinics.nearest import nearest
from core.clinics.places import find_places, read_gazetteer
from core.errors import Unavailable, UnreadableImage
from core.guidance import Outcome
from core.taxonomy import term
from core.vision.reader import Reading
from dashboard.clinic_words import ListedClinic
from dashboard.screening import answers
from dashboard.screening.uploads import only_uploads, take

logger = logging.getLogger(__name__)

Read = Callable[[bytes], tuple[Image.Image, Reading]]
"""From an uploaded file to its clean pixels and their reading; it may raise UnreadableImage and Unavailable."""

PHOTO_TYPES = ["image", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".webp"]
READ_AT_ONCE = 2
WAITING_AT_MOST = 30
CLINICS_SHOWN = 5
PLACES_SHOWN = 4

_SHOW_RESULT = "() => document.querySelector('#result').scrollIntoView({ behavior: 'smooth', block: 'start' })"


def build_screening(*, read: Read, clinics: Callable[[], Sequence[ListedClinic]]) -> gr.Blocks:
    """The page as Gradio blocks; `uploads.private_folder` has to be called first.

    Args:
        read: takes an uploaded file in and reads it, the same way as the dashboard does.
        clinics: answers with the directory of clinics, as it is at the moment.
    """

    def answer(upload: Any) -> dict[Any, Any]:
        empty = {photo: None, result: gr.update(visible=True), details: gr.update(visible=False), region: ""}
        try:
            image, reading = read(take(upload))
        except UnreadableImage as error:
            return empty | {advice: _unreadable(str(error))}
        except gr.Error:
            raise
        except Exception as error:
            if not isinstance(error, Unavailable):
                logger.exception("The public page could not read a photo.")
            raise gr.Error(guidance.NOT_WORKING, print_exception=False) from error
        outcome = guidance.decide(
            malignant_probability=min(reading.malignant_probability, 1.0), flagged=reading.flagged, group=reading.group
        )
        return empty | {
            details: gr.update(visible=True),
            advice: answers.advice(guidance.guidance(outcome)),
            match: answers.match(reading, urgent=outcome is not Outcome.WATCH),
            bars: {term(name).title: probability for name, probability in reading.probabilities.items()},
            region: answers.region(image, reading),
        }

    def find(name: str) -> str:
        places = find_places(name, limit=PLACES_SHOWN)
        if not places:
            return answers.nearest_clinics([], [])
        here = places[0]
        found = nearest(clinics(), latitude=here.latitude, longitude=here.longitude, limit=CLINICS_SHOWN)
        return answers.nearest_clinics(places, found)

    with gr.Blocks(title=guidance.TITLE, analytics_enabled=False) as page:
        gr.HTML(answers.introduction())
        with gr.Column(elem_classes="card") as consent:
            gr.HTML(answers.consent())
            agree = gr.Button(guidance.CONSENT_BUTTON, variant="primary")
        with gr.Column(visible=False) as check:
            with gr.Column(elem_classes="card"):
                gr.HTML(answers.photo_tips())
                photo = only_uploads(gr.File(label=guidance.PHOTO_LABEL, file_types=PHOTO_TYPES, height=180))
            with gr.Column(visible=False, elem_id="result") as result:
                advice = gr.HTML()
                with gr.Column(visible=False) as details:
                    match = gr.HTML()
                    region = gr.HTML(js_on_load=answers.MOVE_SLIDER)
                    bars = gr.Label(label=guidance.ALL_MATCHES_TITLE, num_top_classes=9, show_heading=False)
                gr.HTML(f"<p class='note'>{guidance.ANOTHER_PHOTO}</p>")
            with gr.Column(elem_classes="card"):
                gr.HTML(f"<h2>{guidance.PLACES_TITLE}</h2>")
                place = only_uploads(
                    gr.Textbox(label=guidance.PLACE_LABEL, placeholder=guidance.PLACE_HINT, max_length=100)
                )
                search = gr.Button(guidance.PLACE_BUTTON)
                nearby = gr.HTML()

        agree.click(
            lambda: (gr.update(visible=False), gr.update(visible=True)),
            outputs=[consent, check],
            show_progress="hidden",
            api_visibility="private",
        ).then(read_gazetteer, api_visibility="private")
        photo.upload(
            answer,
            inputs=photo,
            outputs=[result, details, advice, match, region, bars, photo],
            preprocess=False,
            concurrency_limit=READ_AT_ONCE,
            api_visibility="private",
        ).success(fn=None, js=_SHOW_RESULT)
        gr.on(
            [search.click, place.submit],
            find,
            inputs=place,
            outputs=nearby,
            concurrency_limit=READ_AT_ONCE,
            api_visibility="private",
        )
    page.queue(max_size=WAITING_AT_MOST, api_open=False)
    return page


def _unreadable(reason: str) -> str:
    return answers.advice(guidance.guidance(Outcome.UNREADABLE), reason=reason)
