"""How well images are laid over each other: python -m bench.registration FOLDER... [--pairs N] [--json FILE].

Pairs are made from the images in the folders by warps that are known (bench.warps), so the truth is; each image is also
laid over another, from another lesion, which must be refused. The error of a fit is the mean distance between where it
takes a grid of points over the middle half of the image and where they belong, in hundredths of the image's width.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.warps import warped
from core.vision.registration import Matrix, register
from core.vision.registration_fit import at

WRONG = 5.0
"""An error above this, in hundredths of the width, is a wrong fit."""

SETS: dict[str, dict[str, Any]] = {
    "plain": {},
    "larger, cropped to a square": {"enlarged": 2.3, "square": True},
    "dark corners": {"vignette": True},
    "lens bent by 2 %": {"lens": 0.02},
    "lesion grown by 15 %": {"growth": 1.15},
}


@dataclass(frozen=True)
class Row:
    """One pair. `error` in hundredths of the width, None where refused or where the images are unrelated."""

    set: str
    name: str
    accepted: bool
    quality: float
    held_by: str | None
    error: float | None
    seconds: float
    cpu_seconds: float


def displacement(fit: Matrix, truth: Matrix, size: tuple[int, int]) -> float:
    """The error of a fit, in hundredths of the first image's width."""
    x, y = np.meshgrid(np.linspace(0.25, 0.75, 12) * size[0], np.linspace(0.25, 0.75, 12) * size[1])
    here = np.stack([x.ravel(), y.ravel()], axis=1)
    there = at(np.linalg.inv(truth), here)
    return float(100 * np.linalg.norm(at(fit, there) - here, axis=1).mean() / size[0])


def measure(files: list[Path], pairs: int, seed: int, hard: int) -> Iterator[Row]:
    """`pairs` plain pairs and as many unrelated ones, then `hard` of each harder set."""
    rng = np.random.default_rng(seed)
    chosen = [files[i] for i in rng.permutation(len(files))]
    for position, file in enumerate(chosen[:pairs]):
        first = _opened(file)
        second = warped(first, rng)
        yield _row("plain", file, first, second.picture, second.matrix)
        other = _opened(chosen[pairs + position])
        # Every second stranger went through the same camera, so that what a warp leaves behind gives nobody away.
        stranger = warped(other, rng).picture if position % 2 else other
        yield _row("unrelated", file, first, stranger, None)
    for name, options in list(SETS.items())[1:]:
        for file in chosen[:hard]:
            first = _opened(file)
            second = warped(first, rng, **options)
            yield _row(name, file, first, second.picture, second.matrix)


def _opened(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGB")


def _row(name: str, file: Path, first: Image.Image, second: Image.Image, truth: Matrix | None) -> Row:
    start, cpu = perf_counter(), process_time()
    found = register(first, second)
    seconds, cpu = perf_counter() - start, process_time() - cpu
    known = truth is not None and found.matrix is not None
    error = displacement(found.matrix, truth, first.size) if known else None
    return Row(name, file.name, found.accepted, found.quality, found.held_by, error, seconds, cpu)


def summary(rows: list[Row]) -> list[dict[str, Any]]:
    """One line for each set, in the order they were measured."""
    lines = []
    for name in dict.fromkeys(row.set for row in rows):
        of_set = [row for row in rows if row.set == name]
        accepted = [row for row in of_set if row.accepted]
        errors = [row.error for row in of_set if row.error is not None]
        lines.append(
            {
                "set": name,
                "pairs": len(of_set),
                "accepted": len(accepted),
                "held_by_skin": sum(row.held_by == "skin" for row in accepted),
                "median_error": float(np.median(errors)) if errors else None,
                "error_95th": float(np.percentile(errors, 95)) if errors else None,
                "wrong_but_accepted": sum(error > WRONG for error in errors) if name != "unrelated" else len(accepted),
                "lowest_quality": min(row.quality for row in of_set),
                "highest_quality": max(row.quality for row in of_set),
                "median_cpu_seconds": float(np.median([row.cpu_seconds for row in of_set])),
            }
        )
    return lines


def main(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of images, one of each lesion.")],
    pairs: Annotated[int, typer.Option(help="Plain pairs, and as many unrelated ones.")] = 300,
    hard: Annotated[int, typer.Option(help="Pairs of each harder set.")] = 60,
    seed: Annotated[int, typer.Option()] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures and every pair here.")] = None,
) -> None:
    """Measure registration on pairs made from real images."""
    cv2.setNumThreads(1)
    files = sorted(path for folder in folders for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".png"})
    total = 2 * pairs + (len(SETS) - 1) * hard
    rows: list[Row] = []
    for row in track(measure(files, pairs, seed, hard), total=total):
        rows.append(row)
        # What was measured so far, since a run takes minutes and may be cut short.
        if json_file and (len(rows) % 20 == 0 or len(rows) == total):
            json_file.write_text(json.dumps({"summary": summary(rows), "pairs": [asdict(r) for r in rows]}, indent=1))
    lines = summary(rows)
    table = Table(*lines[0])
    for line in lines:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in line.values()))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
