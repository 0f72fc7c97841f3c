"""The operator's commands about clinics and places: python -m core clinics ..., python -m core place."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from core.clinics import openstreetmap
from core.clinics.directory import ClinicEntry
from core.clinics.entries import ReadEntries
from core.clinics.kind import ClinicKind, kind_called
from core.clinics.nearest import Near, nearest
from core.clinics.overpass import Download, area_called
from core.clinics.places import find_places
from core.clinics.read_file import read_clinics
from core.errors import Invalid
from core.records import clinics
from core.records.actor import OPERATOR
from core.records.public_directory import ListedClinic
from core.settings import Settings
from core.workspace import Workspace

# A latitude such as -33.9 is no option: what these commands do not know as one of theirs, they take as it stands.
_NEGATIVE_NUMBERS = {"ignore_unknown_options": True}
_FAULTS_SHOWN = 20

clinics_app = typer.Typer(help="The directory of clinics: nearest, import.", no_args_is_help=True)


def _kind(name: str) -> ClinicKind:
    kind = kind_called(name)
    if kind is None:
        raise typer.BadParameter(f"one of: {', '.join(ClinicKind)}")
    return kind


@clinics_app.command("nearest", context_settings=_NEGATIVE_NUMBERS)
def show_nearest(
    latitude: Annotated[float, typer.Argument(metavar="LAT", help="Degrees, south negative.")],
    longitude: Annotated[float, typer.Argument(metavar="LON", help="Degrees, west negative.")],
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind; may be given several times.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, nearest first.")] = False,
) -> None:
    """Say which clinics of the directory are nearest to a place, along the surface of the earth."""
    kinds = [_kind(name) for name in kind] if kind else None
    workspace = _workspace()
    found = nearest(
        workspace.public_directory.clinics(), latitude=latitude, longitude=longitude, limit=limit, kinds=kinds
    )
    if as_json:
        print(json.dumps([_said(near) for near in found], indent=2, ensure_ascii=False))
        return
    for near in found:
        clinic = near.clinic
        rest = [clinic.kind, f"{clinic.city}, {clinic.country}", clinic.phone, clinic.website]
        print(f"{near.distance_km:8.1f} km  {clinic.name}  ({' · '.join(text for text in rest if text)})")


def _said(near: Near[ListedClinic]) -> dict[str, Any]:
    said = asdict(near.clinic)
    first = {"name": said.pop("name"), "kind": said.pop("kind"), "distance_km": round(near.distance_km, 3)}
    checked = near.clinic.checked_on
    return first | said | {"checked_on": checked.isoformat() if checked else None}


@clinics_app.command("import", context_settings=_NEGATIVE_NUMBERS)
def import_clinics(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="CSV, GeoJSON or an Overpass answer.")] = None,
    overpass: Annotated[
        str | None, typer.Option(metavar="BOX|COUNTRY", help="south,west,north,east, or a country: ask OpenStreetMap.")
    ] = None,
) -> None:
    """Take clinics into the directory; all of them or, where the file or the answer is faulty as a whole, none.

    Single clinics that cannot be kept are left out and named. What was edited in the dashboard is never changed.
    """
    if (file is None) == (overpass is None):
        raise typer.BadParameter("Give either a FILE or --overpass.")
    if file is not None:
        read = read_clinics(file)
        _tell_faults(read, of=str(file))
        _take_in(read.entries)
        return
    settings = Settings()
    download = Download(area_called(overpass or ""), url=settings.overpass_url, folder=settings.home / "overpass")
    read = _downloaded(download)
    _tell_faults(read, of="OpenStreetMap")
    if read.entries:
        _take_in(read.entries)
    else:
        print("OpenStreetMap knows nothing new there.")
    download.finish()
    print(openstreetmap.ATTRIBUTION)


def _downloaded(download: Download) -> ReadEntries:
    read = ReadEntries()
    total = len(download.area.pieces)
    answers = track(download.pieces(), description="Asking OpenStreetMap", total=total, console=Console(stderr=True))
    for answer in answers:
        piece = openstreetmap.entries(answer)
        read.entries += piece.entries
        read.faults += piece.faults
    return read


def _tell_faults(read: ReadEntries, *, of: str) -> None:
    for fault in read.faults[:_FAULTS_SHOWN]:
        print(fault, file=sys.stderr)
    if len(read.faults) > _FAULTS_SHOWN:
        print(f"... and {len(read.faults) - _FAULTS_SHOWN} more.", file=sys.stderr)
    if read.faults and not read.entries:
        raise Invalid(f"No clinic of {of} can be kept; nothing was changed.")


def _take_in(entries: Sequence[ClinicEntry]) -> None:
    count = clinics.import_clinics(_workspace().database, OPERATOR, entries=entries)
    print(
        f"{count.added} added, {count.updated} updated, {count.unchanged} unchanged, "
        f"{count.kept} left as edited, {count.merged} named twice."
    )


def find_place(
    name: Annotated[list[str], typer.Argument(metavar="NAME...", help="A town, also spelt nearly right.")],
    limit: Annotated[int, typer.Option(min=1, max=100)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, best match first.")] = False,
) -> None:
    """Say where a place is, by its name in any script; "Salem, India" means the one in India. Exits with 1 if none."""
    places = find_places(" ".join(name), limit=limit)
    if as_json:
        fields = ("name", "country", "latitude", "longitude", "population")
        print(json.dumps([{f: getattr(p, f) for f in fields} for p in places], indent=2, ensure_ascii=False))
    else:
        for place in places:
            print(f"{place.title}  {place.latitude:.4f} {place.longitude:.4f}")
    raise typer.Exit(int(not places))


def _workspace() -> Workspace:
    workspace = Workspace(Settings())
    workspace.prepare()
    return workspace
