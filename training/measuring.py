"""The commands about measuring: evaluate, refusals and card. `training.__main__` lists them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

FILE: dict[str, Any] = {"exists": True, "dir_okay": False}
FOLDER: dict[str, Any] = {"exists": True, "file_okay": False}


def evaluate_command(  # noqa: PLR0917  typer reads the options from here
    images: Annotated[Path | None, typer.Option(**FOLDER, help="Folder of the images, at any depth.")] = None,
    labels: Annotated[
        Path | None, typer.Option(**FILE, help="CSV of isic_id and diagnosis; see training/table.py.")
    ] = None,
    source: Annotated[str, typer.Option(help="What to call the source where the CSV does not say.")] = "",
    run: Annotated[Path | None, typer.Option(**FOLDER, help="Instead of both: a run, whose manifest is read.")] = None,
    split: Annotated[str, typer.Option(help="Which side of the run's split.")] = "test",
    model: Annotated[Path | None, typer.Option(**FILE, help="JSON of the model; default: what ships.")] = None,
    masks: Annotated[
        Path | None, typer.Option(**FOLDER, help="Folder of the lesions' outlines, ISIC_*_segmentation.png.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write diagrams and a page into this folder.")] = None,
) -> None:
    """Measure a model on labelled images, read as the clinic would read them."""
    from core.vision.model_file import SHIPPED  # noqa: PLC0415  keeps --help quick
    from training.evaluate import evaluate  # noqa: PLC0415
    from training.report import summary, write_report  # noqa: PLC0415
    from training.run import load_manifest  # noqa: PLC0415
    from training.table import Labelled, read_labelled  # noqa: PLC0415

    try:
        if run and not (images or labels):
            labelled = Labelled([sample.row for sample in load_manifest(run / "manifest.csv") if sample.split == split])
            name = run.name
        elif images and labels and not run:
            labelled = read_labelled(labels, images=images, source=source)
            name, split = labels.name, ""
        else:
            raise ValueError("give either --images and --labels, or --run")
        evaluation = evaluate(labelled, model=model or SHIPPED, labels=name, split=split, outlines=masks)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(summary(evaluation))
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(evaluation.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if report:
        write_report(evaluation, report)


def refusals_command(
    folders: Annotated[list[Path], typer.Argument(**FOLDER, help="More pictures that show no skin.")] = [],  # noqa: B006
    model: Annotated[Path | None, typer.Option(**FILE, help="JSON of the model; default: what ships.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
) -> None:
    """Measure how many pictures that show no skin a model refuses: drawn ones, scikit-image's, and those in FOLDERS."""
    from dataclasses import asdict  # noqa: PLC0415  keeps --help quick
    from itertools import chain  # noqa: PLC0415

    from core.vision.model_file import SHIPPED  # noqa: PLC0415
    from core.vision.reader import Reader  # noqa: PLC0415
    from training import strangers  # noqa: PLC0415

    given = (strangers.photographs(folder, kind=folder.name) for folder in folders)
    reader = Reader(model or SHIPPED)
    found = strangers.refusals(reader, chain(strangers.sample_photographs(), *given, strangers.drawn()))
    for kind, one in found.items():
        typer.echo(f"{kind}: {one.refused} of {one.pictures} refused{''.join(f'; passed {n}' for n in one.passed)}")
    if json_file:
        figures = {"model_version": reader.model_version, "kinds": {kind: asdict(one) for kind, one in found.items()}}
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def card_command(
    evaluations: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="JSON of training evaluate.")],
    out: Annotated[Path, typer.Option(help="Markdown; its diagrams go beside it.")] = Path("docs/MODEL_CARD.md"),
    model: Annotated[Path | None, typer.Option(**FILE, help="JSON of the model; default: what ships.")] = None,
    run: Annotated[
        Path | None, typer.Option(**FOLDER, help="The run that made it, for its splits and its labels.")
    ] = None,
    refusals: Annotated[Path | None, typer.Option(**FILE, help="JSON of training refusals.")] = None,
) -> None:
    """Write the model card. The first evaluation is shown in full; all of them fill the table of aims."""
    from core.vision.model_file import SHIPPED, ModelFile  # noqa: PLC0415
    from training.card import write_card  # noqa: PLC0415
    from training.evaluation import Evaluation  # noqa: PLC0415

    read = [Evaluation.model_validate_json(path.read_text(encoding="utf-8")) for path in evaluations]
    try:
        write_card(read, model=ModelFile.load(model or SHIPPED), run=run, refusals=refusals, out=out)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
