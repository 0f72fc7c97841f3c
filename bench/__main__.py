"""python -m bench [PART...]: print a table and write bench/results.json."""

import json
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import one_image, server, uploads, variants
from bench.timing import Figure
from core.vision.model_file import SHIPPED, ModelFile


class Part(StrEnum):
    """What can be measured by itself."""

    SERVER = "server"
    UPLOADS = "uploads"
    IMAGE = "image"
    VARIANTS = "variants"


# The heavy imports of the later parts would not disturb the earlier ones, which run in processes of their own.
PARTS: dict[Part, Callable[[], Iterator[Figure]]] = {
    Part.SERVER: server.measure,
    Part.UPLOADS: uploads.measure,
    Part.IMAGE: one_image.measure,
    Part.VARIANTS: variants.measure,
}


def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="All of them where none is named.")] = None,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path(__file__).parent / "results.json",
) -> None:
    """Measure what is fast about DermTrail, and what is not."""
    model = ModelFile.load(SHIPPED)
    measured = {part: list(PARTS[part]()) for part in parts or Part}
    console = Console()
    for part, figures in measured.items():
        console.print(_table(part, figures))
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()}
    described = {"machine": machine, "model": {"version": model.version, "input_size": model.input_size}}
    figures = {part: [asdict(figure) for figure in found] for part, found in measured.items()}
    out.write_text(json.dumps({**described, "figures": figures}, indent=2) + "\n", encoding="utf-8")


def _table(part: Part, figures: list[Figure]) -> Table:
    table = Table(title=part, title_justify="left", min_width=90)
    for name in ("measured", "value", "", "aim"):
        table.add_column(name, justify="right" if name == "value" else "left")
    for figure in figures:
        sign = {True: " reached", False: " missed", None: ""}[figure.reached]
        table.add_row(figure.name, f"{figure.value:.3g}", figure.unit, figure.aim + sign)
    return table


if __name__ == "__main__":
    typer.run(main)
