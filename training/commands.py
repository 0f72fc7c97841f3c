"""The commands about data: audit, pack and leakage. `training.__main__` lists them."""

import json
from pathlib import Path
from typing import Annotated

import typer

Folders = Annotated[
    list[Path], typer.Argument(exists=True, help="Folders of images, in any layout of training/readers.py, or packs.")
]
Cache = Annotated[Path, typer.Option(help="Where resized images and opened packs are kept.")]
CACHE = Path("runs/cache")


def audit_command(
    folders: Folders,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all findings here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with the pictures into this folder.")] = None,
    cache: Cache = CACHE,
) -> None:
    """Look for copies, contradictory labels, leaks and unreadable files, and say what would be decided and why."""
    from rich.console import Console  # noqa: PLC0415  keeps --help quick
    from rich.progress import Progress  # noqa: PLC0415

    from training.audit import audit  # noqa: PLC0415
    from training.audit_page import lines, write_page  # noqa: PLC0415
    from training.readers import read_folder  # noqa: PLC0415

    read = [(folder, read_folder(folder, cache=cache)) for folder in folders]
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Looking at files", total=sum(len(rows) for _, rows in read))
        found = audit(read, seen=lambda: progress.advance(task))
    for line in lines(found):
        typer.echo(line)
    if json_file:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if report:
        typer.echo(f"written: {write_page(found, report)}")


def pack_command(  # noqa: PLR0917  typer reads the options from here
    folders: Folders,
    out: Annotated[Path, typer.Option(dir_okay=False, help="The file to write.")],
    size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 180,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the WebP images.")] = 90,
    run: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Keep the split of this run.")] = None,
    seed: Annotated[int, typer.Option(help="Of the split, where no run gives one.")] = 0,
    cache: Cache = CACHE,
) -> None:
    """Write all images, resized, with their manifest into one file; `fit` trains from it as from a folder."""
    from dataclasses import replace  # noqa: PLC0415  keeps --help quick

    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    from training.pack import write_pack  # noqa: PLC0415
    from training.readers import read_folders  # noqa: PLC0415
    from training.run import BY_LESION, load_manifest  # noqa: PLC0415
    from training.splits import split_manifest  # noqa: PLC0415

    manifest = read_folders(folders, cache=cache)
    if run:
        sides = {sample.row.isic_id: sample.split for sample in load_manifest(run / "manifest.csv")}
        known = [row for row in manifest.rows if row.isic_id in sides]
        typer.echo(f"{len(manifest.rows) - len(known)} images are not in {run}, and stay out")
        manifest = replace(manifest, rows=known, sides=sides)
    samples, decisions = split_manifest(manifest, protocol=BY_LESION, seed=seed, cache=cache)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Packing images", total=len(samples))
        write_pack(samples, out, decisions=decisions, size=size, quality=quality, seen=lambda: progress.advance(task))
    typer.echo(f"{len(samples)} images, {out.stat().st_size / 1e6:.1f} MB: {out}")


def leakage_command(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the run.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
    cache: Cache = CACHE,
) -> None:
    """Say how many test images of a run have a relative in training, and its accuracy on them and on the others."""
    from training.leakage import leakage  # noqa: PLC0415  keeps --help quick

    figures = json.dumps(leakage(run, cache=cache), indent=2)
    typer.echo(figures)
    if json_file:
        json_file.write_text(figures + "\n", encoding="utf-8")
