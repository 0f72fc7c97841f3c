"""The operator's command line: python -m core."""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.progress import track

from core.clinics_commands import clinics_app, find_place
from core.compare_command import compare
from core.demo import clinic as demo_clinic
from core.errors import DermTrailError, UnreadableImage
from core.exchange import backup as backups
from core.exchange import commands
from core.outline_command import numbered, outline
from core.reading_json import error_sentence, read_file, reading_fields, shown_name
from core.records import images, rereading, users
from core.records.actor import OPERATOR
from core.records.terms import Role
from core.screening_command import screen
from core.settings import Settings
from core.vision import heat_map
from core.vision.intake import IntakeLimits
from core.vision.reader import Reader
from core.workspace import Workspace

app = typer.Typer(
    help="DermTrail from the terminal.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
users_app = typer.Typer(help="Accounts: add, list, disable.", no_args_is_help=True)
app.add_typer(users_app, name="users")
app.command()(compare)
app.add_typer(clinics_app, name="clinics")
app.command("place")(find_place)
app.command()(outline)
app.command()(screen)
app.add_typer(commands.export_app, name="export")
app.add_typer(commands.import_app, name="import")
app.command()(commands.erase)


def _workspace() -> Workspace:
    workspace = Workspace(Settings())
    workspace.prepare()
    return workspace


@app.command()
def read(
    files: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="The images to read.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one object per image.")] = False,
    overlays: Annotated[Path | None, typer.Option(help="Write each heat map over its image into this folder.")] = None,
) -> None:
    """Say what the model says of each image; supports a clinician, never a diagnosis. Exits with 1 if any failed."""
    workspace = Workspace(Settings())
    reader = workspace.reader
    if overlays is not None:
        overlays.mkdir(parents=True, exist_ok=True)
    shown = numbered(files, overlays) if overlays is not None else [None] * len(files)
    results = [_read_one(reader, workspace.limits, file, path) for file, path in zip(files, shown, strict=True)]
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            print(_one_line(result))
    raise typer.Exit(int(any("error" in result for result in results)))


def _read_one(reader: Reader, limits: IntakeLimits, file: Path, overlay: Path | None) -> dict[str, Any]:
    start = perf_counter()
    try:
        image, reading = read_file(reader, limits, file)
        seconds = perf_counter() - start
        if overlay is not None:
            heat_map.overlay(image, reading.heat_map()).save(overlay)
    except (UnreadableImage, OSError) as error:
        return {"file": shown_name(file), "error": error_sentence(error)}
    return {"file": shown_name(file), **reading_fields(reading), "seconds": round(seconds, 4)}


def _one_line(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['file']}: {result['error']}"
    flag = ", flagged" if result["flagged"] else ""
    probability = result["probabilities"][result["prediction"]]
    doubt = f", {result['certainty']}: {result['concern']}" if result["concern"] else ""
    return f"{result['file']}: {result['prediction']} ({result['group']}) {probability:.0%}{flag}{doubt}"


@users_app.command("add")
def add_account(name: str, role: Annotated[Role, typer.Option()], full_name: str | None = None) -> None:
    """Add an account; the password is read from standard input, so that it stays out of the shell's history."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    user = users.add_user(_workspace().database, OPERATOR, name=name, role=role, password=password, full_name=full_name)
    print(f"Added {user.name} ({user.role}).")


@users_app.command("list")
def list_accounts() -> None:
    """List every account."""
    for user in users.list_users(_workspace().database, OPERATOR):
        state = "disabled" if user.disabled_at else "active"
        print(f"{user.name}\t{user.role}\t{state}\t{user.full_name}")


@users_app.command("disable")
def disable_account(name: str) -> None:
    """Shut an account out and end its sessions."""
    user = users.set_disabled(_workspace().database, OPERATOR, name=name, disabled=True)
    print(f"Disabled {user.name}.")


@app.command()
def tidy() -> None:
    """Remove stored files that no record names, such as those of an upload that was cut off."""
    workspace = _workspace()
    removed = images.tidy(workspace.database, OPERATOR, store=workspace.images)
    print(f"Removed {len(removed)} stray files.")


@app.command()
def reread(
    every: Annotated[bool, typer.Option("--all", help="Also images that have no reading yet.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Images read at a time.")] = 1,
) -> None:
    """Add a reading by the current model to each image whose newest reading is by another version.

    Stopped at any moment it goes on where it was when it is run again. Exits with 1 if any image could not be read.
    """
    workspace = _workspace()
    # Where images share the cores, each gets one: threads within an image would only stand in each other's way.
    reader = workspace.reader if workers == 1 else Reader(workspace.settings.model, threads=1)
    outdated = rereading.outdated_images(
        workspace.database, OPERATOR, model_version=reader.model_version, unread_too=every
    )
    done = rereading.read_all_again(
        workspace.database, OPERATOR, store=workspace.images, reader=reader, image_ids=outdated, workers=workers
    )
    failed = 0
    for one in track(done, description="Reading again", total=len(outdated)):
        if one.error:
            failed += 1
            print(f"image {one.image_id}: {one.error}", file=sys.stderr)
    print(f"Read {len(outdated) - failed} of {len(outdated)} images with {reader.model_version}; {failed} failed.")
    raise typer.Exit(int(failed > 0))


@app.command()
def backup(file: Path) -> None:
    """Write the records and all images into one zip file; the server may go on running."""
    workspace = _workspace()
    content = backups.back_up(workspace.database, workspace.images, file)
    print(f"Backed up {content.patients} patients and {content.images} images ({content.files} files) to {file}.")


@app.command()
def restore(
    file: Path,
    force: Annotated[bool, typer.Option(help="Put the backup in the place of records that are here.")] = False,
) -> None:
    """Put a backup in the place of all records. Refuses where there are records, unless forced."""
    workspace = Workspace(Settings())
    workspace.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = backups.restore(workspace.database, workspace.images, file, force=force)
    print(f"Restored {content.patients} patients and {content.images} images ({content.files} files).")


@app.command()
def demo() -> None:
    """Fill an empty data folder with synthetic patients, visits and drawn images, and print how to sign in."""
    workspace = _workspace()
    accounts = demo_clinic.add_accounts(workspace)
    steps = demo_clinic.add_patients(workspace)
    for _ in track(steps, description="Filling the demonstration clinic", total=len(demo_clinic.PEOPLE)):
        pass
    for account in accounts:
        print(f"Sign in as {account.name} with the password {account.password}")


def main() -> None:
    """Run the command line; an error that DermTrail raises on purpose, or the disk, is one line and no stack trace."""
    try:
        app()
    except (DermTrailError, OSError) as error:
        print(f"dermtrail: {error}", file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
