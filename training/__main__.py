"""`python -m training --help`."""

from pathlib import Path
from typing import Annotated

import typer

from training import commands, measuring, outline_commands

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Train, export and measure DermTrail's model.")
Folder = Annotated[Path | None, typer.Option(exists=True, file_okay=False)]


@app.callback()
def main() -> None:
    """Train, export and measure DermTrail's model."""


app.command("audit")(commands.audit_command)
app.command("pack")(commands.pack_command)
app.command("leakage")(commands.leakage_command)
app.command("evaluate")(measuring.evaluate_command)
app.command("refusals")(measuring.refusals_command)
app.command("card")(measuring.card_command)
app.add_typer(outline_commands.app, name="outline")


@app.command("fit")
def fit_command(  # noqa: PLR0917  typer reads the options from here
    out: Annotated[Path, typer.Option(help="Folder of the run; one that has begun is gone on with.")],
    folders: commands.Folders = [],  # noqa: B006  typer makes a list of its own
    isic9: Folder = None,
    ham10000: Folder = None,
    isic2017: Folder = None,
    initial_weights: Annotated[str, typer.Option(help="imagenet, random, or a file of weights.")] = "imagenet",
    architecture: str = "efficientnet_b0",
    plan: Annotated[str, typer.Option(help="Phases as SIZExEPOCHS, comma-separated.")] = "64x12,96x12,128x12",
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    ema_decay: Annotated[float, typer.Option(help="Of the averaged weights, per step.")] = 0.998,
    mix: Annotated[float, typer.Option(min=0, max=1, help="Share of the batches mixed in pairs.")] = 0.0,
    drop_path: Annotated[float, typer.Option(min=0, max=1, help="Chance that a block is skipped, at the last.")] = 0.1,
    frozen_stages: Annotated[int, typer.Option(help="First stages that keep their weights.")] = 0,
    mixed_precision: Annotated[str, typer.Option(help="no, fp16 or bf16.")] = "no",
    compile_network: Annotated[bool, typer.Option("--compile/--no-compile")] = True,
    seed: int = 0,
    protocol: Annotated[
        str, typer.Option(help="by-lesion, or paper: 80/20 by image, labels as found; shows what leaks, never ships.")
    ] = "by-lesion",
    threads: Annotated[int, typer.Option(help="Of the processor; 0 leaves it to torch.")] = 0,
    cache: Annotated[Path, typer.Option(help="Where resized images are kept.")] = Path("runs/cache"),
) -> None:
    """Train on the sets at hand."""
    import torch  # noqa: PLC0415  keeps --help quick

    from training.fit import fit  # noqa: PLC0415
    from training.readers import read_folders  # noqa: PLC0415
    from training.run import FitConfig  # noqa: PLC0415

    if threads:
        torch.set_num_threads(threads)
    given = [*folders, *(folder for folder in (isic9, ham10000, isic2017) if folder)]
    manifest = read_folders(given, cache=cache)
    for rule, count in sorted(manifest.decisions.items()):
        typer.echo(f"{count:6d}  {rule}")
    config = FitConfig(
        architecture=architecture,
        initial_weights=initial_weights,
        plan=plan,
        batch_size=batch_size,
        learning_rate=learning_rate,
        ema_decay=ema_decay,
        mix=mix,
        drop_path=drop_path,
        frozen_stages=frozen_stages,
        mixed_precision=mixed_precision,
        compile=compile_network,
        seed=seed,
        protocol=protocol,
    )
    fit(manifest, out=out, config=config, cache=cache)


@app.command("blend")
def blend_command(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the run.")],
    start: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The weights that it started from.")],
    out: Annotated[Path, typer.Option(help="Folder of the new run.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the run's own weights.")] = 0.5,
) -> None:
    """Mix a run's weights with those that it started from; export what comes of it."""
    from training.blend import blend  # noqa: PLC0415

    blend(run, start, share=share, out=out)


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


if __name__ == "__main__":
    app()
