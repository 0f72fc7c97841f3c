"""Letters to print: plain pages of their own, without the dashboard around them."""

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from core.errors import DermTrailError
from core.records import clock, recalls
from core.records.tables import Recall
from dashboard import gate, session

_templates = Jinja2Templates(Path(__file__).parent / "templates")

_RECALL = "/letters/recall"


def address(recall_id: int) -> str:
    """Where the letter about a recall is."""
    return f"{_RECALL}/{recall_id}"


def routes() -> list[Route]:
    """The routes of the letters; the gate lets nobody to them without a session."""
    return [Route(_RECALL + "/{recall_id:int}", _recall_letter)]


async def _recall_letter(request: Request) -> Response:
    try:
        found = await run_in_threadpool(_take_out, request)
    except DermTrailError as error:
        return PlainTextResponse(str(error), status_code=403)
    if found is None:
        return PlainTextResponse("There is no such recall, or it is open no more.", status_code=404)
    return _templates.TemplateResponse(request, "recall_letter.html", {"recall": found, "today": clock.today()})


def _take_out(request: Request) -> Recall | None:
    actor = session.holder(request.cookies, address=gate.address_of(request.scope))
    # The gate has let in whoever had a session a moment ago; a larger number is no id of ours.
    recall_id = request.path_params["recall_id"]
    if actor is None or recall_id > 999_999_999:
        return None
    found = recalls.take_out(session.workspace().database, actor, recall_ids=[recall_id], as_what="letter")
    return found[0] if found else None
