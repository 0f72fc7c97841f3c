"""Signing in and out, and the very first administrator: plain pages that need no script and no session."""

import re
import secrets
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from core.errors import Conflict, Invalid, SignInFailed
from core.records import users
from dashboard import gate, session

_templates = Jinja2Templates(Path(__file__).parent / "templates")

# Checking a password takes long on purpose. It has threads of its own, so that many tries never keep a page waiting.
_hashing = CapacityLimiter(2)

_NOTICES = {
    "out": "You are signed out.",
    "ended": "Your session is over. Nothing happened for a while, or it was ended elsewhere.",
}


MOST_WAITING = 20
"""So many people may wait for their passwords to be checked; whoever comes then is asked to try again."""

LARGEST_FORM = 16_384
"""Bytes."""

WRONG_CODES = 10
"""So many wrong codes and none is right any more, until the next start."""


class SetupCode:
    """The one-time code, shown in the terminal alone, with which the first administrator is made."""

    def __init__(self) -> None:
        self._code: str | None = secrets.token_hex(4)
        self._wrong = 0

    @property
    def code(self) -> str | None:
        """The code; None once it has been used."""
        return self._code

    def accepts(self, code: str) -> bool:
        """Whether `code` is the one. Counts the wrong ones (WRONG_CODES)."""
        if self._code is None:
            return False
        right = secrets.compare_digest(self._code, code.strip().lower())
        self._wrong += not right
        if self._wrong >= WRONG_CODES:
            self._code = None
        return right

    def spend(self) -> None:
        """Make the code good for nothing."""
        self._code = None


def routes(setup_code: SetupCode) -> list[Route]:
    """The routes of signing in; `setup_code` lets the first administrator in."""

    async def first_administrator(request: Request) -> Response:
        if await run_in_threadpool(users.has_administrator, session.workspace().database):
            return RedirectResponse(gate.SIGN_IN, status_code=303)
        if request.method == "GET":
            return _page(request, "first_administrator.html")
        return await _make_first_administrator(request, setup_code)

    return [
        Route(gate.SIGN_IN, _sign_in, methods=["GET", "POST"]),
        Route(gate.FIRST_ADMINISTRATOR, first_administrator, methods=["GET", "POST"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
        Route("/session", _session, methods=["GET", "POST"]),
    ]


async def _sign_in(request: Request) -> Response:
    database = session.workspace().database
    if not await run_in_threadpool(users.has_administrator, database):
        return RedirectResponse(gate.FIRST_ADMINISTRATOR, status_code=303)
    if request.method == "GET":
        return _page(request, "sign_in.html", notice=_NOTICES.get(request.query_params.get("why", "")))
    if not _same_origin(request):
        return PlainTextResponse("This form belongs to another site.", status_code=403)
    if _hashing.statistics().tasks_waiting >= MOST_WAITING:
        return _page(
            request, "sign_in.html", status=503, error="Too many people sign in at once. Try again in a moment."
        )
    form = await _fields(request)
    name, address = form.get("name", ""), gate.address_of(request.scope)
    signing_in = partial(users.sign_in, database, name=name, password=form.get("password", ""), address=address)
    try:
        token = await to_thread.run_sync(signing_in, limiter=_hashing)
    except SignInFailed as error:
        return _page(request, "sign_in.html", status=401, error=str(error), name=name)
    return _with_cookie(token, next_page=request.query_params.get("next", "/"))


async def _make_first_administrator(request: Request, setup_code: SetupCode) -> Response:
    if not _same_origin(request):
        return PlainTextResponse("This form belongs to another site.", status_code=403)
    form = await _fields(request)
    page = "first_administrator.html"
    kept = {"name": form.get("name", ""), "full_name": form.get("full_name", "")}
    if form.get("password") != form.get("password_again"):
        return _page(request, page, status=400, error="The two passwords are not the same.", **kept)
    if not setup_code.accepts(form.get("code", "")):
        error = "That is not the code that the terminal shows. After ten wrong ones DermTrail must be started again."
        return _page(request, page, status=403, error=error, **kept)
    database, address = session.workspace().database, gate.address_of(request.scope)
    password = form.get("password", "")
    try:
        await run_in_threadpool(users.make_first_administrator, database, password=password, address=address, **kept)
    except (Invalid, Conflict) as error:
        return _page(request, page, status=400, error=str(error), **kept)
    setup_code.spend()
    token = await run_in_threadpool(users.sign_in, database, name=kept["name"], password=password, address=address)
    return _with_cookie(token)


async def _sign_out(request: Request) -> Response:
    if not _same_origin(request):
        return PlainTextResponse("This form belongs to another site.", status_code=403)
    token = session.token_in(request.cookies)
    actor = await run_in_threadpool(session.holder, request.cookies, address=gate.address_of(request.scope))
    if token and actor:
        await run_in_threadpool(users.sign_out, session.workspace().database, actor, token=token)
    response = RedirectResponse(f"{gate.SIGN_IN}?why=out", status_code=303)
    response.delete_cookie(session.COOKIE, path="/")
    return response


async def _session(request: Request) -> Response:
    """Past the gate there is a session; a POST says that it is in use."""
    if request.method == "POST":
        await run_in_threadpool(session.holder, request.cookies, address=gate.address_of(request.scope))
    return Response(status_code=204)


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form. Raises HTTPException where it is far larger than one of ours, before it is read."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST_FORM:
        raise HTTPException(413)
    return {key: value for key, value in (await request.form()).items() if isinstance(value, str)}


def _with_cookie(token: str, *, next_page: str = "/") -> Response:
    settings = session.workspace().settings
    # Only a page of ours: with two slashes, or with a backslash, it would be another site's.
    within = re.fullmatch(r"/(?![/\\])[^\\]*", next_page) is not None
    response = RedirectResponse(next_page if within else "/", status_code=303)
    response.set_cookie(
        session.COOKIE,
        session.sign(token),
        max_age=round(settings.session_limit.total_seconds()),
        path="/",
        secure=settings.secure_cookie,
        httponly=True,
        samesite="lax",
    )
    return response


def _same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of ours; browsers say where every POST comes from."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _page(request: Request, template: str, *, status: int = 200, **context: str | None) -> Response:
    response = _templates.TemplateResponse(request, template, context, status_code=status)
    response.headers["Cache-Control"] = "no-store"
    return response
