"""Which of Gradio's many addresses the public may ask for.

Gradio answers on some eighty routes: files of its cache, a proxy, recordings, an editor, an API with its description.
The page needs a dozen, and no other is let through.
"""

import re
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_READ = re.compile(
    r"/(|theme\.css|robots\.txt|(static|assets)/.+"
    r"|gradio_api/(startup-events|upload_progress|queue/data|heartbeat/\w+))/?"
)
_WRITE = re.compile(r"/gradio_api/(upload|queue/join|reset|cancel)/?")


_UPLOAD = re.compile(r"/gradio_api/upload/?")

MOST_UPLOADED = 512 * 2**20
"""Bytes that may wait in the folder of uploads: it lies on the disk that the clinic's records need."""


class Door:
    """ASGI middleware that answers 404 to every request but those the page itself makes.

    While too much waits in the folder `uploads`, a further upload is answered 503.
    """

    def __init__(self, app: ASGIApp, *, uploads: Path) -> None:
        self.app = app
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and _is_of_the_page(scope):
            busy = _UPLOAD.fullmatch(_path(scope)) and await run_in_threadpool(_bytes_in, self.uploads) > MOST_UPLOADED
            answer = PlainTextResponse("Too many photos at once. Try again in a few minutes.", status_code=503)
            await (answer if busy else self.app)(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("There is no such page.", status_code=404)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def _is_of_the_page(scope: Scope) -> bool:
    pattern = _WRITE if scope["method"] == "POST" else _READ
    return scope["method"] in {"GET", "HEAD", "POST"} and pattern.fullmatch(_path(scope)) is not None


def _path(scope: Scope) -> str:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path or "/"


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        # A photo may be read, and so removed, at the same time.
        with suppress(OSError):
            status = path.lstat()
            total += status.st_size if S_ISREG(status.st_mode) else 0
    return total
