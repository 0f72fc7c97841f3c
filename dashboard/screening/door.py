"""Which of Gradio's many addresses the public may ask for.

Gradio answers on some eighty routes: files of its cache, a proxy, recordings, an editor, an API with its description.
The page needs a dozen, and no other is let through.
"""

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_READ = re.compile(
    r"/(|theme\.css|robots\.txt|(static|assets)/.+"
    r"|gradio_api/(startup-events|upload_progress|queue/data|heartbeat/\w+))/?"
)
_WRITE = re.compile(r"/gradio_api/(upload|queue/join|reset|cancel)/?")


class Door:
    """ASGI middleware that answers 404 to every request but those the page itself makes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and _is_of_the_page(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("There is no such page.", status_code=404)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def _is_of_the_page(scope: Scope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
    pattern = _WRITE if scope["method"] == "POST" else _READ
    return scope["method"] in {"GET", "HEAD", "POST"} and pattern.fullmatch(path) is not None
