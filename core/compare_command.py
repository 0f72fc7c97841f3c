"""python -m core compare: lay one image over another at the terminal."""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import Invalid, UnreadableImage
from core.settings import Settings
from core.vision import registration
from core.vision.intake import CleanImage, IntakeLimits, take_in
from core.vision.registration import Registration
from core.workspace import Workspace


def compare(
    a: Annotated[Path | None, typer.Argument(metavar="A", help="The image that stays.")] = None,
    b: Annotated[Path | None, typer.Argument(metavar="B", help="The image that is laid over it.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="A CSV with the columns a and b, instead of A and B.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one object per pair.")] = False,
    aligned: Annotated[Path | None, typer.Option(help="Write B, laid over A, into this file.")] = None,
) -> None:
    """Lay image B of a lesion over image A, or refuse to. Exits with 1 if any pair failed; a refusal is an answer."""
    listed = _listed(a, b, pairs)
    if aligned is not None and pairs is not None:
        raise typer.BadParameter("--aligned takes one pair, not a list.")
    limits = Workspace(Settings()).limits
    results = [_compared(first, second, limits, aligned) for first, second in listed]
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            print(_one_line(result))
    refused = aligned is not None and not results[0].get("accepted", True)
    if refused:
        print("dermtrail: The fit was refused, so there is no aligned image to write.", file=sys.stderr)
    raise typer.Exit(int(refused or any("error" in result for result in results)))


def _listed(a: Path | None, b: Path | None, pairs: Path | None) -> list[tuple[Path, Path]]:
    if pairs is None:
        if a is None or b is None:
            raise typer.BadParameter("Name two images, or a list of pairs with --pairs.")
        return [(a, b)]
    if a is not None:
        raise typer.BadParameter("Name two images or a list of pairs, not both.")
    try:
        with pairs.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"a", "b"} <= set(rows.fieldnames or ()):
                raise Invalid(f"{pairs} has no columns a and b.")
            return [(_found(row["a"], pairs), _found(row["b"], pairs)) for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{pairs} is no CSV file in UTF-8.") from error


def _found(name: str | None, pairs: Path) -> Path:
    """The file as it is named from here, else from where the list lies."""
    path = Path(name or "")
    beside = pairs.parent / path
    return beside if not path.exists() and beside.exists() else path


def _compared(first: Path, second: Path, limits: IntakeLimits, aligned: Path | None) -> dict[str, Any]:
    # A name in no known encoding is shown with a mark in place of what cannot be shown.
    names = {key: os.fsencode(path).decode(errors="replace") for key, path in (("a", first), ("b", second))}
    images: list[CleanImage] = []
    for path in (first, second):
        try:
            images.append(_clean(path, limits))
        except UnreadableImage as error:
            return names | {"error": f"{path.name}: {error}"}
        except OSError as error:
            return names | {"error": f"{path.name}: {error.strerror or 'The file cannot be read.'}"}
    here, there = images
    found = registration.register(here.pixels, there.pixels)
    if aligned is not None and found.accepted:
        registration.aligned(found, there.pixels, here.pixels.size).save(aligned)
    return names | _told(found)


def _clean(path: Path, limits: IntakeLimits) -> CleanImage:
    if path.stat().st_size > limits.max_bytes:
        raise UnreadableImage("The file is larger than the limit.")
    return take_in(path.read_bytes(), limits=limits)


def _told(found: Registration) -> dict[str, Any]:
    return {
        "accepted": found.accepted,
        "quality": round(found.quality, 4),
        "held_by": found.held_by,
        "matrix": None if found.matrix is None else found.matrix.tolist(),
    }


def _one_line(result: dict[str, Any]) -> str:
    pair = f"{result['a']} {result['b']}"
    if "error" in result:
        return f"{pair}: {result['error']}"
    if not result["accepted"]:
        return f"{pair}: refused, quality {result['quality']:.2f}"
    return f"{pair}: aligned by the {result['held_by']}, quality {result['quality']:.2f}"
