"""The page as an ASGI application, to be mounted by the server."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from PIL import Image

from core.vision.intake import IntakeLimits, take_in
from core.vision.reader import Reader, Reading
from dashboard.clinic_words import ListedClinic
from dashboard.screening.door import Door
from dashboard.screening.page import build_screening
from dashboard.screening.uploads import private_folder, swept

_STYLE = Path(__file__).parent / "page.css"


def screening_app(
    *, reader: Reader, limits: IntakeLimits, clinics: Callable[[], Sequence[ListedClinic]], folder: Path, root_path: str
) -> FastAPI:
    """The public page, to be mounted at `root_path`; the server has to run its `router.lifespan_context` as well.

    It is given a model and the directory of clinics, and no way to a patient. Uploads pass through `folder`, which is
    emptied first.
    """

    def read(data: bytes) -> tuple[Image.Image, Reading]:
        pixels = take_in(data, limits=limits).pixels
        return pixels, reader.read(pixels)

    uploads = private_folder(folder)
    page = build_screening(read=read, clinics=clinics)
    return serve(page, uploads=uploads, root_path=root_path, max_file_size=limits.max_bytes)


def serve(page: gr.Blocks, *, uploads: Path, root_path: str, max_file_size: int) -> FastAPI:
    """Mount `page` in an application of its own, with everything of Gradio turned off that the page does not use.

    `max_file_size` is in bytes; Gradio answers 413 to more.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with swept(uploads, page):
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.add_middleware(Door, uploads=uploads)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        root_path=root_path,
        max_file_size=max_file_size,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        theme=_theme(),
        css=_STYLE.read_text(encoding="utf-8"),
    )
    # Only of a page that it launched itself does Gradio check that an input names an upload and no other file.
    page.has_launched = True
    return app


def _theme() -> gr.themes.Base:
    fonts = [gr.themes.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")]
    theme = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=fonts, font_mono=fonts)
    # Gradio's own grey for secondary text has too little contrast.
    return theme.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )
