"""Which of Gradio's many addresses the public may ask for, and how often.

Gradio answers on some eighty routes: files of its cache, a proxy, recordings, an editor, an API with its description.
The page needs a dozen, and no other is let through.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.guidance import words
from core.languages import ENGLISH, LANGUAGES, Language, preferred
from core.screening_counts import Counted, ScreeningCounts
from dashboard.screening.limits import ScreeningLimits, Visitors
from dashboard.screening.uploads import too_large, upload_id_of

_PAGES = "|".join(language.code for language in LANGUAGES if language != ENGLISH)
_READ = re.compile(
    rf"/(|{_PAGES}|theme\.css|robots\.txt|manifest\.webmanifest|(static|assets|files)/.+"
    r"|gradio_api/(startup-events|upload_progress|queue/data|heartbeat/\w+))/?"
)
_WRITE = re.compile(r"/gradio_api/(upload|queue/join|reset|cancel)/?")
_READ_BY_PROGRAMS = re.compile(r"/(config|gradio_api/(info|call/screen/\w+))/?")
_WRITE_BY_PROGRAMS = re.compile(r"/gradio_api/call/screen/?")

_UPLOAD = re.compile(r"/gradio_api/upload/?")
_PROGRESS = re.compile(r"/gradio_api/upload_progress/?")

MOST_UPLOADED = 512 * 2**20
"""Bytes that may wait in the folder of uploads: it lies on the disk that the clinic's records need."""

MOST_AROUND = 64 * 2**10
"""Bytes that a request may have beside a photo. Gradio reads them all into memory before it looks at them."""


class Door:
    """ASGI middleware that answers 404 to every request but those the page itself makes.

    A visitor who asks for too much within a minute is answered 429, and an upload 503 while too much waits in the
    folder `uploads`; both are counted as "busy". A request that does not say its size is answered 411, and one that is
    larger than the page's own ever are 413: a photo has at most `max_bytes`. Whoever comes without having chosen a
    language is led to the one that their browser asks for.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        uploads: Path,
        max_bytes: int,
        limits: ScreeningLimits,
        counts: ScreeningCounts,
        for_programs: bool = False,
    ) -> None:
        self.app = app
        self.uploads = uploads
        self.max_bytes = max_bytes
        self.visitors = Visitors(limits)
        self.counts = counts
        self.for_programs = for_programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await (await self._refusal(scope) or self.app)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _refusal(self, scope: Scope) -> Response | None:
        if not self._is_of_the_page(scope):
            return PlainTextResponse("There is no such page.", status_code=404)
        if scope["method"] != "POST":
            return await self._progress_refusal(scope) or _to_language(scope)
        photo = bool(_UPLOAD.fullmatch(_path(scope)))
        size = _size(scope)
        if refusal := self._size_refusal(size, photo=photo):
            return refusal
        if not self.visitors.let_in(_address(scope), upload_bytes=(size or 0) if photo else None):
            return await self._busy(scope, 429)
        if photo and await run_in_threadpool(_bytes_in, self.uploads) + (size or 0) > MOST_UPLOADED:
            return await self._busy(scope, 503)
        return None

    async def _progress_refusal(self, scope: Scope) -> Response | None:
        """Gradio remembers every upload that somebody asks about, whether there is one or not."""
        if not _PROGRESS.fullmatch(_path(scope)):
            return None
        if not upload_id_of(_query(scope).get("upload_id", [""])[0]):
            return PlainTextResponse("There is no such upload.", status_code=404)
        return None if self.visitors.let_in(_address(scope)) else await self._busy(scope, 429)

    def _size_refusal(self, size: int | None, *, photo: bool) -> Response | None:
        if size is None:
            return PlainTextResponse("Say how large the request is.", status_code=411)
        if size <= MOST_AROUND + (self.max_bytes if photo else 0):
            return None
        return too_large(self.max_bytes) if photo else PlainTextResponse("This request is too large.", status_code=413)

    async def _busy(self, scope: Scope, status: int) -> Response:
        await run_in_threadpool(self.counts.add, Counted.BUSY)
        text = _preferred(scope).translate(words.BUSY)
        return PlainTextResponse(text, status_code=status, headers={"Retry-After": "60"})

    def _is_of_the_page(self, scope: Scope) -> bool:
        writes = scope["method"] == "POST"
        patterns = [_WRITE if writes else _READ]
        if self.for_programs:
            patterns.append(_WRITE_BY_PROGRAMS if writes else _READ_BY_PROGRAMS)
        path = _path(scope)
        return scope["method"] in {"GET", "HEAD", "POST"} and any(pattern.fullmatch(path) for pattern in patterns)


def _to_language(scope: Scope) -> Response | None:
    """A redirection to the page in the browser's language, where no other was asked for."""
    if _path(scope) != "/" or "lang" in _query(scope):
        return None
    query = scope.get("query_string", b"").decode("ascii", "replace")
    language = _preferred(scope)
    if language == ENGLISH:
        return None
    target = f"{scope.get('root_path', '')}/{language.code}" + (f"?{query}" if query else "")
    return RedirectResponse(target, headers={"Vary": "Accept-Language", "Cache-Control": "no-store"})


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _size(scope: Scope) -> int | None:
    """What the request says of its size in bytes; the server ends one that brings more."""
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isdecimal() and len(declared) < 16 else None


def _preferred(scope: Scope) -> Language:
    return preferred(Headers(scope=scope).get("accept-language", ""))


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("ascii", "replace"))


def _path(scope: Scope) -> str:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path or "/"


def _bytes_in(folder: Path) -> int:
    total = 0
    # Not rglob, which ends in an error where a folder is removed while it looks.
    for above, _, names in os.walk(folder):
        for name in names:
            # A photo may be read, and so removed, at the same time.
            with suppress(OSError):
                total += Path(above, name).lstat().st_size
    return total
