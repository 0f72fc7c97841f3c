"""python -m core compare: lay one image over another at the terminal."""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from core.errors import Invalid, UnreadableImage
from core.settings import Settings
from core.vision import registration
from core.vision.change import Change, change, remeasure, scale_of
from core.vision.intake import CleanImage, IntakeLimits, take_in
from core.vision.outline import Outliner
from core.vision.registration import Registration
from core.workspace import Workspace


def compare(
    a: Annotated[Path | None, typer.Argument(metavar="A", help="The image that stays.")] = None,
    b: Annotated[Path | None, typer.Argument(metavar="B", help="The image that is laid over it.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="A CSV with the columns a and b, instead of A and B.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one object per pair.")] = False,
    aligned: Annotated[Path | None, typer.Option(help="Write B, laid over A, into this file.")] = None,
) -> None:
    """Lay image B of a lesion over image A, or refuse to. Exits with 1 if any pair failed; a refusal is an answer.

    The JSON's keys: `a`, `b`, the files; `accepted`; `quality` 0..1; `held_by`, "skin" or "lesion"; `matrix`, 3x3,
    takes pixel coordinates (x, y) of B to those of A, whole numbers being pixels' middles; `change`; `change_remark`,
    what has to be said of it, null where there is nothing. Or `a`, `b` and `error`.

    `change` has `area`, `diameter` (the longest), `asymmetry`, `compactness`, `variegation`, and of the ABCD rule
    `abcd_asymmetry`, `abcd_border`, `abcd_colours`; each with `first`, `second`, `difference`, `uncertainty` of the
    difference at 95 %, and `changed`, whether the difference is larger than that. Areas and lengths are in pixels of A.
    `uncertainty` is null where it is unknown. `change` is null for a refused pair and where no lesion is outlined; its
    `area` and `diameter` are null where the lesion itself holds the fit, by which growth cannot be told.
    """
    listed = _listed(a, b, pairs)
    if aligned is not None and pairs is not None:
        raise typer.BadParameter("--aligned takes one pair, not a list.")
    workspace = Workspace(Settings())
    results = [_compared(first, second, workspace, aligned) for first, second in listed]
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


def _compared(first: Path, second: Path, workspace: Workspace, aligned: Path | None) -> dict[str, Any]:
    # A name in no known encoding is shown with a mark in place of what cannot be shown.
    names = {key: os.fsencode(path).decode(errors="replace") for key, path in (("a", first), ("b", second))}
    images: list[CleanImage] = []
    for path in (first, second):
        try:
            images.append(_clean(path, workspace.limits))
        except UnreadableImage as error:
            return names | {"error": f"{path.name}: {error}"}
        except OSError as error:
            return names | {"error": f"{path.name}: {error.strerror or 'The file cannot be read.'}"}
    here, there = images
    found = registration.register(here.pixels, there.pixels)
    if aligned is not None and found.accepted:
        registration.aligned(found, there.pixels, here.pixels.size).save(aligned)
    return names | _told(found) | _changed(workspace.outliner, here, there, found)


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


def _changed(outliner: Outliner, here: CleanImage, there: CleanImage, found: Registration) -> dict[str, Any]:
    """What changed from A to B, and what has to be said of it."""
    if found.matrix is None:
        return {"change": None, "change_remark": "The fit was refused."}
    first, second = (outliner.outline(image.pixels) for image in (here, there))
    for name, outline in (("A", first), ("B", second)):
        if not outline.polygon:
            return {"change": None, "change_remark": f"{name}: {outline.remark}"}
    remarks = [f"{name}: {outline.remark}" for name, outline in (("A", first), ("B", second)) if outline.remark]
    scale = None
    if found.tells_growth:
        x, y = np.mean(second.polygon, axis=0)
        scale = scale_of(found.matrix, at=(float(x), float(y)))
    else:
        remarks.append("The lesion holds the fit, so its growth cannot be told from a larger magnification.")
    changes = change(remeasure(outliner, here.pixels, first), remeasure(outliner, there.pixels, second), scale=scale)
    return {"change": {line.name: _one_change(line) for line in changes}, "change_remark": " ".join(remarks) or None}


def _one_change(line: Change) -> dict[str, Any] | None:
    if line.second is None or line.difference is None or line.uncertainty is None:
        return None
    # JSON has no infinity.
    uncertainty = round(line.uncertainty, 4) if np.isfinite(line.uncertainty) else None
    return {
        "first": round(line.first, 4),
        "second": round(line.second, 4),
        "difference": round(line.difference, 4),
        "uncertainty": uncertainty,
        "changed": line.changed,
    }


def _one_line(result: dict[str, Any]) -> str:
    pair = f"{result['a']} {result['b']}"
    if "error" in result:
        return f"{pair}: {result['error']}"
    if not result["accepted"]:
        return f"{pair}: refused, quality {result['quality']:.2f}"
    told = f"{pair}: aligned by the {result['held_by']}, quality {result['quality']:.2f}"
    if result["change"] and (area := result["change"]["area"]):
        told += f", area {area['difference'] / area['first']:+.0%} {_give_or_take(area)}"
    return f"{told}. {result['change_remark']}" if result["change_remark"] else told


def _give_or_take(area: dict[str, Any]) -> str:
    if area["uncertainty"] is None:
        return "(unsure)"
    within = "" if area["changed"] else ", no change beyond the uncertainty"
    return f"± {area['uncertainty'] / area['first']:.0%}{within}"
