"""`python -m core outline`: outline and measure image files. `core.__main__` lists it."""

import json
import os
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from core.errors import UnreadableImage
from core.settings import Settings
from core.vision import abcd
from core.vision.change import Measured, remeasure
from core.vision.intake import IntakeLimits, take_in
from core.vision.measures import Lesion
from core.vision.outline import Outliner, Remark
from core.workspace import Workspace


def outline(
    files: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="The images to outline.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one object per image.")] = False,
    masks: Annotated[Path | None, typer.Option(help="Write each lesion's mask into this folder, as NAME.png.")] = None,
) -> None:
    """Outline the lesion in each image and measure it. Exits with 1 if any image could not be outlined.

    The JSON's keys: `file`; `width`, `height` of the image in pixels; `area` and `diameter` (the longest) in pixels,
    `area_share` and `diameter_share` of the image's area and longer side; `asymmetry` 0..1; `compactness`, 1 for a
    circle; `variegation` in CIELAB; `abcd` with `asymmetry` 0..2, `border` 0..8, `colours` 1..6 and `colour_names`;
    `uncertainty`, 95 %, by the same names (null where it is unknown); `confidence` 0..1; `remark`, null where there is
    nothing to say; `polygon`, [[x, y], ...] in pixels; `model_version`; `seconds`. Or `file` and `error`.
    """
    workspace = Workspace(Settings())
    if masks is not None:
        masks.mkdir(parents=True, exist_ok=True)
    written = numbered(files, masks) if masks is not None else [None] * len(files)
    results = [
        _outline_one(workspace.outliner, workspace.limits, file, path)
        for file, path in zip(files, written, strict=True)
    ]
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        for result in results:
            print(_one_line(result))
    raise typer.Exit(int(any("error" in result for result in results)))


def numbered(files: list[Path], folder: Path) -> list[Path | None]:
    """Where a picture of each file goes: its own name, numbered where two files in two folders share one."""
    taken: Counter[str] = Counter()
    paths: list[Path | None] = []
    for file in files:
        taken[file.stem] += 1
        number = f"-{taken[file.stem]}" if taken[file.stem] > 1 else ""
        paths.append(folder / f"{file.stem}{number}.png")
    return paths


def _outline_one(outliner: Outliner, limits: IntakeLimits, file: Path, mask: Path | None) -> dict[str, Any]:
    # A name in no known encoding is shown with a mark in place of what cannot be shown.
    name = os.fsencode(file).decode(errors="replace")
    start = perf_counter()
    try:
        if file.stat().st_size > limits.max_bytes:
            raise UnreadableImage("The file is larger than the limit.")
        image = take_in(file.read_bytes(), limits=limits).pixels
        found = outliner.outline(image)
        if mask is not None:
            # Also where there is no lesion: a mask without any is the answer then.
            Image.fromarray(found.mask.astype(np.uint8) * 255).save(mask)
    except UnreadableImage as error:
        return {"file": name, "error": str(error)}
    except OSError as error:
        return {"file": name, "error": error.strerror or "The file cannot be read."}
    if found.remark is Remark.NO_LESION:
        return {"file": name, "error": str(found.remark)}
    measured = remeasure(outliner, image, found)
    return {
        "file": name,
        "width": image.width,
        "height": image.height,
        **_measures(measured, image),
        "abcd": _abcd(measured, Lesion(image, found.mask)),
        "uncertainty": {key: _rounded(value) for key, value in measured.uncertainties.items()},
        "confidence": _rounded(found.confidence),
        "remark": found.remark,
        "polygon": found.polygon,
        "model_version": found.model_version,
        "seconds": round(perf_counter() - start, 4),
    }


def _measures(measured: Measured, image: Image.Image) -> dict[str, float | None]:
    values = measured.values
    return {
        "area": values["area"],
        "area_share": _rounded(values["area"] / (image.width * image.height)),
        "diameter": _rounded(values["diameter"]),
        "diameter_share": _rounded(values["diameter"] / max(image.size)),
        **{name: _rounded(values[name]) for name in ("asymmetry", "compactness", "variegation")},
    }


def _abcd(measured: Measured, lesion: Lesion) -> dict[str, Any]:
    scores = {name: int(measured.values[f"abcd_{name}"]) for name in ("asymmetry", "border", "colours")}
    return {**scores, "colour_names": list(abcd.colours_of(lesion))}


def _rounded(value: float) -> float | None:
    # JSON has no infinity.
    return round(value, 4) if np.isfinite(value) else None


def _one_line(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['file']}: {result['error']}"
    abcd_terms = result["abcd"]
    remark = f" {result['remark']}" if result["remark"] else ""
    return (
        f"{result['file']}: area {result['area_share']:.1%} of the image, diameter {result['diameter']:.0f} px, "
        f"A {abcd_terms['asymmetry']}, B {abcd_terms['border']}, C {abcd_terms['colours']}.{remark}"
    )
