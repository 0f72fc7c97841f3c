"""`python -m training --help`."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Train, export and measure DermTrail's model.")
Folder = Annotated[Path | None, typer.Option(exists=True, file_okay=False)]


@app.callback()
def main() -> None:
    """Train, export and measure DermTrail's model."""


@app.command("fit")
def fit_command(  # noqa: PLR0917  typer reads the options from here
    out: Annotated[Path, typer.Option(help="Folder of the run; one that has begun is gone on with.")],
    isic9: Folder = None,
    ham10000: Folder = None,
    isic2017: Folder = None,
    initial_weights: Annotated[str, typer.Option(help="imagenet, random, or a safetensors file.")] = "imagenet",
    architecture: str = "efficientnet_b0",
    plan: Annotated[str, typer.Option(help="Phases as SIZExEPOCHS, comma-separated.")] = "64x12,96x12,128x12",
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    mixed_precision: Annotated[str, typer.Option(help="no, fp16 or bf16.")] = "no",
    compile_network: Annotated[bool, typer.Option("--compile/--no-compile")] = True,
    seed: int = 0,
    threads: Annotated[int, typer.Option(help="Of the processor; 0 leaves it to torch.")] = 0,
    cache: Annotated[Path, typer.Option(help="Where resized images are kept.")] = Path("runs/cache"),
) -> None:
    """Train on the sets at hand."""
    import torch  # noqa: PLC0415  keeps --help quick

    from training.data import read_all  # noqa: PLC0415
    from training.fit import fit  # noqa: PLC0415
    from training.run import FitConfig  # noqa: PLC0415

    if threads:
        torch.set_num_threads(threads)
    manifest = read_all(isic9=isic9, ham10000=ham10000, isic2017=isic2017)
    for rule, count in sorted(manifest.decisions.items()):
        typer.echo(f"{count:6d}  {rule}")
    config = FitConfig(
        architecture=architecture,
        initial_weights=initial_weights,
        plan=plan,
        batch_size=batch_size,
        learning_rate=learning_rate,
        mixed_precision=mixed_precision,
        compile=compile_network,
        seed=seed,
    )
    fit(manifest, out=out, config=config, cache=cache)


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the run.")],
    to: Annotated[Path | None, typer.Option(help="The JSON to write, others beside it; default: what ships.")] = None,
    size: Annotated[int, typer.Option(help="Input size in pixels; 0 lets the validation split choose.")] = 0,
    cache: Path = Path("runs/cache"),
) -> None:
    """Calibrate a run's averaged weights and write ONNX, safetensors and JSON."""
    from core.vision.model_file import SHIPPED  # noqa: PLC0415
    from training.export import export  # noqa: PLC0415

    model = export(run, to=to or SHIPPED, size=size or None, cache=cache)
    typer.echo(model.model_dump_json(indent=2))


@app.command("evaluate")
def evaluate_command(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the run whose split is used.")],
    model: Annotated[Path | None, typer.Option(help="JSON of the model; default: what ships.")] = None,
    split: str = "test",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
) -> None:
    """Measure a model file on one side of a run's split, as the clinic would read the images."""
    from core.vision.model_file import SHIPPED  # noqa: PLC0415
    from training.evaluate import evaluate  # noqa: PLC0415
    from training.run import load_manifest  # noqa: PLC0415

    rows = [sample.row for sample in load_manifest(run / "manifest.csv") if sample.split == split]
    figures = json.dumps(evaluate(model or SHIPPED, rows), indent=2)
    typer.echo(figures)
    if json_file:
        json_file.write_text(figures + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
