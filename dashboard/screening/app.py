"""The page as an ASGI application, to be mounted by the server."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from PIL import Image
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from core.guidance import words
from core.screening_counts import ScreeningCounts
from core.vision.intake import IntakeLimits, take_in
from core.vision.reader import Reader, Reading
from dashboard.clinic_words import ListedClinic
from dashboard.screening import answers
from dashboard.screening.door import Door
from dashboard.screening.limits import ScreeningLimits
from dashboard.screening.page import EXAMPLE_KINDS, build_screening
from dashboard.screening.photos import KEPT_AT_MOST
from dashboard.screening.service import Service
from dashboard.screening.sessions import NoSessions
from dashboard.screening.shell import MANIFEST, Shell, manifest
from dashboard.screening.uploads import SWEPT_EVERY, private_folder, receiving, swept

logger = logging.getLogger(__name__)

_STYLE = Path(__file__).parent / "page.css"
_STATIC = Path(__file__).parents[1] / "static"


def screening_app(
    *,
    reader: Reader,
    limits: IntakeLimits,
    clinics: Callable[[], Sequence[ListedClinic]],
    counts: ScreeningCounts,
    folder: Path,
    root_path: str,
    visitor_limits: ScreeningLimits | None = None,
    for_programs: bool = False,
) -> FastAPI:
    """The public page, to be mounted at `root_path`; the server has to run its `router.lifespan_context` as well.

    It is given a model, the directory of clinics and counters, and no way to a patient. Uploads pass through `folder`,
    which is emptied first. `for_programs` switches the endpoint of docs/SCREENING_API.md on.
    """

    def read(data: bytes) -> tuple[Image.Image, Reading]:
        pixels = take_in(data, limits=limits).pixels
        return pixels, reader.read(pixels)

    uploads = private_folder(folder)
    service = Service(read=read, clinics=clinics, counts=counts, files=f"{root_path}/files")
    page = build_screening(service, for_programs=for_programs)
    visitors = visitor_limits or ScreeningLimits()
    app = FastAPI(lifespan=_lifespan(service, uploads, page), openapi_url=None)
    app.add_middleware(Shell)
    app.add_middleware(GZipMiddleware, compresslevel=6)
    app.add_middleware(
        Door, uploads=uploads, max_bytes=limits.max_bytes, limits=visitors, counts=counts, for_programs=for_programs
    )
    app.mount("/files", StaticFiles(directory=_STATIC))
    app.add_route(MANIFEST, manifest)
    app.add_route("/gradio_api/upload", receiving(uploads, page, max_bytes=limits.max_bytes), methods=["POST"])
    _mount(app, page, root_path=root_path, max_file_size=limits.max_bytes)
    return app


def _lifespan(service: Service, uploads: Path, page: gr.Blocks) -> Callable[..., object]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_forget_photos(service))
        try:
            async with swept(uploads, page):
                yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            service.photos.sweep(older_than=0)

    return lifespan


async def _forget_photos(service: Service) -> None:
    while True:
        await asyncio.sleep(SWEPT_EVERY)
        service.photos.sweep(older_than=KEPT_AT_MOST)


def _mount(app: FastAPI, page: gr.Blocks, *, root_path: str, max_file_size: int) -> None:
    """Mount `page` with everything of Gradio turned off that it does not use.

    `max_file_size` is in bytes.
    """
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
        # Gradio itself would say all that was sent over again, and end in a 500 at a function that there is not.
        app_kwargs={"exception_handlers": dict.fromkeys((RequestValidationError, KeyError), _not_understood)},
        css=_STYLE.read_text(encoding="utf-8") + answers.example_pictures(EXAMPLE_KINDS),
    )
    # Only of a page that it launched itself does Gradio check that an input names an upload and no other file.
    page.has_launched = True
    page.process_api = _in_words(page.process_api)
    (mounted,) = (
        route.app for route in app.routes if isinstance(route, Mount) and isinstance(route.app, gr.routes.App)
    )
    mounted.state_holder = NoSessions(page)


def _not_understood(_request: Request, error: Exception) -> Response:
    logger.info("A request to the public page was not understood: %s", type(error).__name__)
    return JSONResponse({"detail": "This request is not understood."}, status_code=422)


def _in_words(process: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`process`, whatever goes wrong in it, such as with an input that no browser sends, ending in a sentence."""

    async def process_in_words(*given: Any, **named: Any) -> Any:
        try:
            return await process(*given, **named)
        except gr.Error:
            raise
        except Exception as error:
            logger.exception("The public page could not answer.")
            raise gr.Error(words.NOT_WORKING, print_exception=False) from error

    return process_in_words


_NEUTRAL = gr.themes.Color(
    c50="#f4f7f7", c100="#e9efef", c200="#d5dfe0", c300="#b9c8ca", c400="#8da1a4", c500="#647a7e",
    c600="#475a5e", c700="#2c3d42", c800="#1e2d32", c900="#172428", c950="#0f191c", name="dermtrail",
)  # fmt: skip
"""The greys of the dashboard's themes (.streamlit/config.toml), so that the page does not look strange in its frame."""


def _theme() -> gr.themes.Base:
    fonts = [gr.themes.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")]
    theme = gr.themes.Default(
        primary_hue="teal", secondary_hue="teal", neutral_hue=_NEUTRAL, font=fonts, font_mono=fonts
    )
    # Gradio's own grey for secondary text and the teal of its links have too little contrast.
    return theme.set(
        link_text_color="*secondary_700",
        link_text_color_hover="*secondary_800",
        link_text_color_active="*secondary_800",
        link_text_color_visited="*secondary_700",
        link_text_color_dark="*secondary_300",
        link_text_color_hover_dark="*secondary_200",
        link_text_color_active_dark="*secondary_200",
        link_text_color_visited_dark="*secondary_300",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )
