"""python -m core screen: what the public page would advise, from the operator's terminal."""

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from core import screening
from core.errors import UnreadableImage
from core.guidance import Answers, Outcome, guidance
from core.reading_json import error_sentence, read_file, reading_fields, shown_name
from core.settings import Settings
from core.workspace import Workspace

_ANSWERS_HELP = (
    'What the person answers, such as {"changing": "yes", "bleeding": "no", "itching": "not sure"}; further questions: '
    "new_after_50, family_history, immune_suppression. Each may be missing or null."
)


def screen(
    files: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="The images to screen.")],
    answers: Annotated[str, typer.Option(metavar="JSON", help=_ANSWERS_HELP)] = "{}",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one object per image.")] = False,
) -> None:
    """Say what the public page would advise for each image, and why. Exits with 1 if any file was no image.

    An object has `file`, `outcome` (see-now, see-soon, watch, unreadable), `why` (sentences, the most urgent first) and
    `reading` (the keys of `read --json`), or `file` and `error` where the file is no image. An image that cannot be
    read as skin has the outcome `unreadable`, unless the answers alone are a reason to see a doctor.
    """
    given = Answers.from_json(answers)
    workspace = Workspace(Settings())
    results = [_screened(workspace, file, given) for file in files]
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            print(_lines(result))
    raise typer.Exit(int(any("error" in result for result in results)))


def _screened(workspace: Workspace, file: Path, answers: Answers) -> dict[str, Any]:
    start = perf_counter()
    try:
        _, reading = read_file(workspace.reader, workspace.limits, file)
    except (UnreadableImage, OSError) as error:
        return {"file": shown_name(file), "error": error_sentence(error)}
    fields = reading_fields(reading) | {"seconds": round(perf_counter() - start, 4)}
    return {
        "file": shown_name(file),
        **screening.as_fields(screening.decided(reading, answers)),
        "reading": fields,
    }


def _lines(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['file']}: {result['error']}"
    headline = guidance(Outcome(result["outcome"])).headline
    return "\n  ".join([f"{result['file']}: {headline}", *result["why"]])
