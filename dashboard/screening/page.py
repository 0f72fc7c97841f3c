"""The page itself, once in each language: consent, photo, questions, answer, the nearest clinics."""

import html
import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from core.clinics.places import find_places, read_gazetteer
from core.demo.lesion_images import draw_lesion
from core.errors import Invalid, Unavailable
from core.guidance import Answer, Answers, sentences, words
from core.languages import ENGLISH, LANGUAGES, Language
from core.vision.intake import display_copy
from dashboard.screening import answers, nearby, programs
from dashboard.screening.photos import Photo
from dashboard.screening.service import Service
from dashboard.screening.uploads import only_uploads, take

PHOTO_TYPES = ["image", ".heic", ".heif", ".tif", ".tiff", ".bmp", ".webp"]
EXAMPLE_KINDS = ("nevus", "melanoma", "basal cell carcinoma", "vascular lesion")
"""Of the drawings, those that the model does not refuse to read."""

READ_AT_ONCE = 2
WAITING_AT_MOST = 60
PLACES_SHOWN = 4

READING = "reading"
SEARCHING = "searching"
"""Two queues, each shared by all languages."""

_TO_RESULT = """() => {
    requestAnimationFrame(() => {
        const outcome = document.querySelector("#result .outcome");
        outcome?.scrollIntoView({ block: "start" });
        outcome?.focus({ preventScroll: true });
    });
    return [""];
}"""
# The advice alone, in words, by what the device has for it; nothing goes to this server.
_SEND = """async () => {
    const title = document.title, text = document.querySelector("#result .outcome").innerText.trim();
    if (navigator.share) {
        try {
            await navigator.share({ title, text });
            return [""];
        } catch (error) {
            if (error.name === "AbortError") return [""];
        }
    }
    try {
        await navigator.clipboard.writeText(`${title}\\n\\n${text}`);
        return [COPIED];
    } catch {
        const link = document.createElement("a");
        link.href = `mailto:?subject=${encodeURIComponent(title)}&body=${encodeURIComponent(text)}`;
        document.body.append(link);
        link.click();
        link.remove();
        return [""];
    }
}"""
# Gradio leaves the question beside its choices, where screen readers do not connect the two.
_NAME_GROUPS = """() => {
    requestAnimationFrame(() => {
        for (const group of document.querySelectorAll(".questions fieldset")) {
            group.setAttribute("role", "radiogroup");
            group.setAttribute("aria-label", group.querySelector("[data-testid=block-info]")?.textContent.trim() ?? "");
        }
    });
    return [];
}"""
_IS_DARK = "document.body.classList.contains('dark')"
_LOCATE = f"""() => new Promise((done) => {{
    const dark = {_IS_DARK};
    if (!navigator.geolocation) return done(["", dark]);
    navigator.geolocation.getCurrentPosition(
        ({{ coords }}) => done([`${{coords.latitude}},${{coords.longitude}}`, dark]),
        () => done(["", dark]),
        {{ timeout: 20000, maximumAge: 60000 }},
    );
}})"""


def build_screening(service: Service, *, for_programs: bool = False) -> gr.Blocks:
    """The page as Gradio blocks; `uploads.private_folder` has to be called first.

    `for_programs` adds the endpoint that docs/SCREENING_API.md describes.
    """
    with gr.Blocks(title=words.TITLE, analytics_enabled=False) as page:
        gr.Navbar(visible=False)
        _Page(service, ENGLISH).build(page)
        if for_programs:
            programs.add_endpoint(service)
        page.unload(_forgetting(service))
    for language in LANGUAGES:
        if language != ENGLISH:
            with page.route(language.name, language.code, show_in_navbar=False):
                _Page(service, language).build(page)
    page.queue(max_size=WAITING_AT_MOST, api_open=for_programs)
    return page


def _forgetting(service: Service) -> Callable[[gr.Request], None]:
    def forget(request: gr.Request) -> None:
        service.photos.forget(request.session_hash or "")

    return forget


class _Page:
    """One language's page: what is on it, and what happens when it is used."""

    def __init__(self, service: Service, language: Language) -> None:
        self.service = service
        self.language = language
        self.say = language.translate

    def build(self, page: gr.Blocks) -> None:
        """Put everything on the page; runs inside its context."""
        gr.HTML(answers.header(self.language))
        with gr.Column(elem_classes="card no-print") as consent:
            gr.HTML(answers.consent(self.language))
            agree = gr.Button(self.say(words.CONSENT_BUTTON), variant="primary")
        with gr.Column(visible=False) as check:
            self._photo()
            self._questions()
            self._result()
            self._places()
        # The language has to be known to screen readers and hyphenation; Gradio's own page always says English.
        begin = (
            f"() => {{ Object.assign(document.documentElement, {{ lang: {json.dumps(self.language.code)}, "
            f"dir: {json.dumps(self.language.direction)} }}); document.title = {json.dumps(self.say(words.TITLE))}; }}"
        )
        page.load(fn=None, js=begin, api_visibility="private")
        agree.click(
            lambda: (gr.update(visible=False), gr.update(visible=True)),
            outputs=[consent, check],
            show_progress="hidden",
            api_visibility="private",
        ).then(read_gazetteer, js=_NAME_GROUPS, api_visibility="private")
        self._connect()

    def _photo(self) -> None:
        with gr.Column(elem_classes="card no-print"):
            gr.HTML(answers.photo_tips(self.language))
            with gr.Tab(self.say(words.FROM_FILE)):
                label = self.say(words.PHOTO_LABEL)
                self.file = only_uploads(gr.File(label=label, file_types=PHOTO_TYPES, height=190))
            with gr.Tab(self.say(words.FROM_CAMERA), elem_classes="camera"):
                self.camera = only_uploads(
                    gr.Image(
                        label=self.say(words.CAMERA_LABEL),
                        sources=["webcam"],
                        type="filepath",
                        buttons=[],
                        webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": _REAR_CAMERA}),
                    )
                )
            with gr.Tab(self.say(words.FROM_EXAMPLE)):
                gr.HTML(answers.note(self.language, words.EXAMPLE_NOTE))
                with gr.Row(elem_classes="examples"):
                    self.examples = [
                        gr.Button(
                            self.say(words.EXAMPLE).format(number=number + 1),
                            elem_classes=["example", f"example-{number}"],
                            min_width=60,
                        )
                        for number in range(len(EXAMPLE_KINDS))
                    ]
            self.status = gr.HTML(elem_id="photo-status")

    def _questions(self) -> None:
        choices = [(self.say(label), answer.value) for answer, label in words.ANSWERS.items()]
        with gr.Column(elem_classes="card no-print questions"):
            gr.HTML(
                answers.heading(self.language, words.QUESTIONS_TITLE)
                + answers.note(self.language, words.QUESTIONS_NOTE)
            )
            self.questions = [
                only_uploads(gr.Radio(choices, label=self.say(question))) for question in sentences.QUESTIONS.values()
            ]
            self.show = gr.Button(self.say(words.SHOW_ANSWER), variant="primary", elem_id="show-answer")

    def _result(self) -> None:
        with gr.Column(visible=False, elem_id="result") as self.result:
            self.advice = gr.HTML()
            self.match = gr.HTML()
            self.region = gr.HTML(js_on_load=answers.MOVE_SLIDER)
            gr.HTML(answers.note(self.language, words.ANOTHER_PHOTO), elem_classes="no-print")
            with gr.Row(elem_classes="no-print"):
                self.print = gr.Button(self.say(words.PRINT), min_width=200)
                self.send = gr.Button(self.say(words.SEND), min_width=200)
            self.sent = gr.HTML(elem_classes="no-print")

    def _places(self) -> None:
        with gr.Column(elem_classes="card places"):
            gr.HTML(answers.heading(self.language, words.PLACES_TITLE))
            with gr.Column(elem_classes="no-print"):
                self.place = only_uploads(
                    gr.Textbox(
                        label=self.say(words.PLACE_LABEL), placeholder=self.say(words.PLACE_HINT), max_length=100
                    )
                )
                with gr.Row():
                    self.search = gr.Button(self.say(words.PLACE_BUTTON), min_width=120)
                    self.here = gr.Button(self.say(words.HERE_BUTTON), min_width=120)
                    self.on_map = gr.Button(self.say(words.MAP_BUTTON), min_width=120)
            self.position = only_uploads(gr.Textbox(visible="hidden", label=words.HERE))
            self.dark = only_uploads(gr.Checkbox(visible="hidden", label="dark"))
            self.list = gr.HTML()
            self.map = gr.HTML(js_on_load=nearby.HEAR_MAP, elem_classes="no-print")

    def _connect(self) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        reading = private | {"concurrency_limit": READ_AT_ONCE, "concurrency_id": READING}
        searching = private | {"concurrency_limit": READ_AT_ONCE, "concurrency_id": SEARCHING}
        for source, event in ((self.file, self.file.upload), (self.camera, self.camera.input)):
            event(self._take, inputs=source, outputs=[self.status, self.result, source], preprocess=False, **reading)
        for button, kind in zip(self.examples, EXAMPLE_KINDS, strict=True):
            button.click(self._example(kind), outputs=[self.status, self.result], **reading)
        outputs = [self.status, self.result, self.advice, self.match, self.region]
        shown = self.show.click(self._answer, inputs=set(self.questions), outputs=outputs, **reading)
        shown.success(fn=None, js=_TO_RESULT, outputs=self.sent, **private)
        self.print.click(fn=None, js="() => window.print()", **private)
        copied = json.dumps(answers.said(self.language, words.COPIED))
        self.send.click(fn=None, js=_SEND.replace("COPIED", copied), outputs=self.sent, **private)
        named = f"(name, _) => [name, {_IS_DARK}]"
        places = [self.list, self.map]
        gr.on(
            [self.search.click, self.place.submit],
            self._by_name,
            inputs=[self.place, self.dark],
            outputs=places,
            js=named,
            **searching,
        )
        self.here.click(self._by_position, inputs=[self.position, self.dark], outputs=places, js=_LOCATE, **searching)
        self.on_map.click(self._world, inputs=[self.dark], outputs=places, js=f"(_) => [{_IS_DARK}]", **searching)
        self.map.select(self._by_click, inputs=[self.dark], outputs=places, js=f"(_) => [{_IS_DARK}]", **searching)

    def _take(self, upload: Any, request: gr.Request) -> tuple[str, Any, None]:
        return *self._received(take(upload), request), None

    def _example(self, kind: str) -> Callable[[gr.Request], tuple[str, Any]]:
        def show(request: gr.Request) -> tuple[str, Any]:
            drawing = draw_lesion(seed=7, kind=kind)
            return self._received(display_copy(drawing, max_side=drawing.width), request)

        return show

    def _received(self, data: bytes, request: gr.Request) -> tuple[str, Any]:
        try:
            photo = self.service.receive(request.session_hash or "", data, self.language)
        except Unavailable as error:
            raise self._error(str(error)) from error
        return answers.photo_status(self.language, problem=photo.problem), gr.update(visible=False)

    def _answer(self, given: dict[gr.Radio, Any], request: gr.Request) -> tuple[Any, ...]:
        photo = self.service.photos.of(request.session_hash or "")
        if photo is None:
            return answers.alert(self.language, words.NO_PHOTO), gr.update(visible=False), "", "", ""
        decision = self.service.decided(photo, _answers([given[question] for question in self.questions]))
        advice = answers.advice(self.language, decision, problem=photo.problem)
        status = answers.photo_status(self.language, problem=photo.problem)
        return status, gr.update(visible=True), advice, *self._shown(photo)

    def _shown(self, photo: Photo) -> tuple[str, str]:
        if photo.reading is None or photo.problem:
            return "", ""
        return answers.match(self.language, photo.reading), photo.region

    def _by_name(self, name: str, dark: bool, request: gr.Request) -> tuple[str, str]:
        places = find_places(name, limit=PLACES_SHOWN)
        if not places:
            return answers.alert(self.language, words.PLACE_UNKNOWN), ""
        here = places[0]
        title = nearby.place_title(self.language, here)
        return self._near((here.latitude, here.longitude), title, dark, request, others=places[1:])

    def _by_position(self, position: str, dark: bool, request: gr.Request) -> tuple[str, str]:
        try:
            latitude, longitude = (float(part) for part in position.split(","))
            return self._near((latitude, longitude), self.say(words.HERE), dark, request)
        except (ValueError, Invalid):
            return answers.alert(self.language, words.HERE_REFUSED), ""

    def _by_click(self, dark: bool, event: gr.EventData, request: gr.Request) -> tuple[str, str]:
        try:
            here = float(event.latitude), float(event.longitude)
            return self._near(here, self.say(words.CHOSEN), dark, request)
        except (AttributeError, TypeError, ValueError, Invalid):
            return answers.alert(self.language, words.HERE_REFUSED), ""

    def _world(self, dark: bool) -> tuple[str, str]:
        clinics = self.service.clinics()
        return "", nearby.map_frame(self.language, clinics, files=self.service.files, dark=bool(dark))

    def _near(
        self, here: nearby.Position, title: str, dark: bool, request: gr.Request, **others: Any
    ) -> tuple[str, str]:
        clinics = self.service.clinics()
        photo = self.service.photos.of(request.session_hash or "")
        found = nearby.nearest_clinics(clinics, here, outcome=photo.outcome if photo else None)
        shown = nearby.map_frame(
            self.language, clinics, files=self.service.files, dark=bool(dark), here=here, title=title, found=found
        )
        return nearby.clinic_list(self.language, title, found, **others), shown

    def _error(self, sentence: str) -> gr.Error:
        return gr.Error(html.escape(self.say(sentence)), print_exception=False)


_REAR_CAMERA = {"facingMode": {"ideal": "environment"}, "width": {"ideal": 1280}, "height": {"ideal": 1280}}


def _answers(given: list[Any]) -> Answers:
    """What was chosen, in the order of the questions; a caller may send anything, and only an answer counts."""
    valid = [Answer(value) if value in list(Answer) else None for value in given]
    return Answers(**dict(zip(sentences.QUESTIONS, valid, strict=True)))
