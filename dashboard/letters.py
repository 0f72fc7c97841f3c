"""Letters to print: plain pages without the dashboard around them, in the language that `?lang=` names."""

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.errors import DermTrailError, NotFound
from core.exchange.letters import recall_letter, referral_letter
from core.languages import Language, by_code
from core.records import recalls, referrals
from core.records.actor import Actor
from dashboard import gate, session

_RECALL = "/letters/recall"
_REFERRAL = "/letters/referral"
_LARGEST_ID = 999_999_999

Write = Callable[[Actor, int, Language], str]
"""Writes the letter about the thing with an id, in a language, for somebody."""


def recall_address(recall_id: int) -> str:
    """Where the letter about a recall is."""
    return f"{_RECALL}/{recall_id}"


def referral_address(referral_id: int) -> str:
    """Where the letter that goes with a referral is."""
    return f"{_REFERRAL}/{referral_id}"


def routes() -> list[Route]:
    """The routes of the letters; the gate lets nobody to them without a session."""
    return [Route(f"{_RECALL}/{{id:int}}", _answer(_recall)), Route(f"{_REFERRAL}/{{id:int}}", _answer(_referral))]


def _answer(write: Write) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return HTMLResponse(await run_in_threadpool(_letter, request, write))
        except NotFound as error:
            return PlainTextResponse(str(error), status_code=404)
        except DermTrailError as error:
            return PlainTextResponse(str(error), status_code=403)

    return answer


def _letter(request: Request, write: Write) -> str:
    actor = session.holder(request.cookies, address=gate.address_of(request.scope))
    subject_id = request.path_params["id"]
    # The gate has let in whoever had a session a moment ago; a larger number is no id of ours.
    if actor is None or subject_id > _LARGEST_ID:
        raise NotFound("There is no such letter.")
    return write(actor, subject_id, by_code(request.query_params.get("lang", "")))


def _recall(actor: Actor, recall_id: int, language: Language) -> str:
    found = recalls.take_out(session.workspace().database, actor, recall_ids=[recall_id], as_what="letter")
    if not found:
        raise NotFound("There is no such recall, or it is open no more.")
    return recall_letter(found[0], language=language)


def _referral(actor: Actor, referral_id: int, language: Language) -> str:
    found = referrals.take_out(session.workspace().database, actor, referral_id=referral_id)
    return referral_letter(found, language=language)
