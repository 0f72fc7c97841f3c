"""The reading for programs: one endpoint of Gradio's API, called `screen`. docs/SCREENING_API.md describes it."""

from typing import Any

import gradio as gr

from core.errors import Invalid, Unavailable
from core.guidance import Answers, words
from dashboard.screening.service import Service
from dashboard.screening.uploads import only_uploads, take

ENDPOINT = "screen"


def add_endpoint(service: Service) -> None:
    """Add it to the page that is being built; nothing of it is seen there."""

    def screen(image: Any, answers: str) -> dict[str, Any]:
        # Taken before anything can go wrong, so that no upload is left behind.
        data = take(image)
        try:
            return service.as_json(data, Answers.from_json(answers or "{}"))
        except Invalid as error:
            return {"error": str(error)}
        except Unavailable as error:
            raise gr.Error(words.NOT_WORKING, print_exception=False) from error

    with gr.Column(visible=False):
        image = only_uploads(gr.File(label="image"))
        answers = only_uploads(gr.Textbox("{}", label="answers"))
        result = gr.JSON(label="result")
        gr.Button("screen").click(
            screen,
            inputs=[image, answers],
            outputs=result,
            preprocess=False,
            concurrency_limit=2,
            concurrency_id="reading",
            api_name=ENDPOINT,
        )
