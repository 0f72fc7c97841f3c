"""The gate before everything: without a session only the few open places answer."""

from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import Unavailable
from dashboard import session

SIGN_IN = "/sign-in"
FIRST_ADMINISTRATOR = "/first-administrator"
SCREENING = "/screening"
HEALTH = "/healthz"

OPEN_PATHS = frozenset({SIGN_IN, FIRST_ADMINISTRATOR, HEALTH, SCREENING})

PROGRAM_FILES = ("/static/", "/app/static/", "/component/", "/_stcore/bidi-components/")
"""What is the same for everybody and holds nothing of the clinic, so that the browser may keep it."""

NO_SESSION = 4401
"""WebSocket close code for a session that is over, after HTTP's 401."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


def is_open(path: str) -> bool:
    """Whether anybody may ask for `path`."""
    return path in OPEN_PATHS or path.startswith(SCREENING + "/")


class Gate:
    """ASGI middleware that lets nobody past without a session.

    A WebSocket outlives many requests, so its session is looked up again at every message: a session that has ended,
    idled away or been signed out elsewhere closes it at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        try:
            let_in = is_open(scope["path"]) or await _has_session(scope)
        except Unavailable as error:
            await _refuse(scope, receive, send, PlainTextResponse(str(error), status_code=503))
            return
        if let_in:
            guarded = receive if scope["type"] == "http" else _while_session_lasts(scope, receive, send)
            await self.app(scope, guarded, _with_headers(scope, send))
        else:
            await _refuse(scope, receive, send, _to_sign_in(scope))


async def _has_session(scope: Scope) -> bool:
    cookies = HTTPConnection(scope).cookies
    holder = await run_in_threadpool(session.holder, cookies, address=address_of(scope), touch=False)
    return holder is not None


def address_of(scope: Scope) -> str:
    """Where a request comes from, as the audit trail names it."""
    client = scope.get("client")
    return client[0] if client else "unknown"


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": NO_SESSION})
    else:
        await response(scope, receive, send)


def _to_sign_in(scope: Scope) -> Response:
    if scope["type"] == "websocket" or "text/html" not in Headers(scope=scope).get("accept", ""):
        return PlainTextResponse("Sign in first.", status_code=401)
    wanted = scope["path"] if scope["method"] == "GET" else "/"
    if query := scope["query_string"].decode("ascii", "replace"):
        wanted += f"?{query}"
    after = "" if wanted.startswith("/?") or wanted == "/" else "?" + urlencode({"next": wanted})
    return RedirectResponse(SIGN_IN + after, status_code=303)


def _while_session_lasts(scope: Scope, receive: Receive, send: Send) -> Receive:
    if is_open(scope["path"]):
        return receive

    async def guarded() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and not await _has_session(scope):
            await send({"type": "websocket.close", "code": NO_SESSION})
            return {"type": "websocket.disconnect", "code": NO_SESSION}
        return message

    return guarded


def _with_headers(scope: Scope, send: Send) -> Send:
    keeps_nothing = not is_open(scope["path"]) and not scope["path"].startswith(PROGRAM_FILES)

    def with_headers(message: Message) -> Awaitable[Any]:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if keeps_nothing:
                # Streamlit's own "no-cache" lets the browser keep a page as long as it asks again.
                headers["Cache-Control"] = "no-store, private"
            message["headers"] = headers.raw
        return send(message)

    return with_headers
