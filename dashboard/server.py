"""The server: Streamlit, the public page and the sign-in pages behind one gate, in one process on one port."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.starlette import App

from core.errors import Unavailable
from core.screening_counts import ScreeningCounts
from dashboard import gate, letters, session, sign_in

logger = logging.getLogger(__name__)

SCRIPT = Path(__file__).parent / "app.py"


class LateScreening:
    """The public page, built after the server has started, since importing Gradio takes seconds.

    A visitor who comes earlier waits for it.
    """

    def __init__(self) -> None:
        self._ready: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the page."""
        if self._ready is None:
            raise RuntimeError("the server's lifespan has not begun")
        app = await asyncio.shield(self._ready)
        await app(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Build the page in the background and keep it running."""
        self._ready = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(self._run(self._ready, stop))
        yield
        stop.set()
        await task

    async def _run(self, ready: asyncio.Future[ASGIApp], stop: asyncio.Event) -> None:
        try:
            app = await asyncio.to_thread(_screening_app)
        except Exception as error:
            # The dashboard works without the public page, whose visitors get the error (a 500) instead.
            logger.exception("The public screening page could not be built.")
            ready.set_exception(error)
            return
        # Without Gradio's own lifespan its page loads, but its buttons do nothing.
        async with app.router.lifespan_context(app):
            ready.set_result(app)
            await stop.wait()


def _screening_app() -> Any:
    # Gradio is imported here, in its own time, and not with this module.
    from dashboard.screening import screening_app  # noqa: PLC0415
    from dashboard.screening.limits import ScreeningLimits  # noqa: PLC0415

    here = session.workspace()
    return screening_app(
        reader=here.reader,
        limits=here.limits,
        clinics=here.public_directory.clinics,
        counts=ScreeningCounts(here.settings.screening_counts),
        visitor_limits=ScreeningLimits.for_uploads(here.settings.screening_uploads_per_minute),
        for_programs=here.settings.screening_api,
        folder=here.settings.home / "screening",
        root_path=gate.SCREENING,
    )


async def _health(_request: Request) -> JSONResponse:
    try:
        return JSONResponse(await run_in_threadpool(session.workspace().check))
    except Unavailable as error:
        return JSONResponse({"status": "unavailable", "reason": str(error)}, status_code=503)


async def _to_screening(_request: Request) -> RedirectResponse:
    # Without it Streamlit, which takes every path that nobody else does, would answer with a page that stays empty.
    return RedirectResponse(f"{gate.SCREENING}/")


def build_app(setup_code: sign_in.SetupCode) -> App:
    """The ASGI application; `setup_code` lets the first administrator in."""
    screening = LateScreening()

    @asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[dict[str, Any]]:
        async with screening.running():
            yield {}

    return App(
        SCRIPT,
        routes=[
            Route(gate.HEALTH, _health),
            *sign_in.routes(setup_code),
            *letters.routes(),
            Route(gate.SCREENING, _to_screening),
            Mount(gate.SCREENING, app=screening),
        ],
        middleware=[Middleware(gate.Gate)],
        lifespan=lifespan,
    )
