"""The commands about the network that outlines a lesion. `training.__main__` lists them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The network that outlines a lesion: train it, export and measure it.")

Out = Annotated[Path, typer.Option(help="Folder of the run; one that has begun is gone on with.")]
CACHE = Path("runs/cache")


@app.command("fit")
def fit_command(  # noqa: PLR0917  typer reads the options from here
    out: Out,
    manifest: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Of the run that gives the split.")],
    masks: Annotated[Path, typer.Option(exists=True, file_okay=False, help="HAM10000's masks.")],
    initial_weights: Annotated[Path | None, typer.Option(help="EfficientNet-Lite0's; none starts at random.")] = None,
    size: int = 128,
    epochs: int = 8,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    seed: int = 0,
    threads: Annotated[int, typer.Option(help="Of the processor; 0 leaves it to torch.")] = 0,
    cache: Annotated[Path, typer.Option(help="Where resized images are kept.")] = CACHE,
) -> None:
    """Train on HAM10000's masks."""
    import torch  # noqa: PLC0415  keeps --help quick

    from training.outline import OutlineConfig, fit_outline  # noqa: PLC0415

    if threads:
        torch.set_num_threads(threads)
    config = OutlineConfig(
        manifest=str(manifest),
        masks=str(masks),
        initial_weights=str(initial_weights or ""),
        size=size,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    fit_outline(config, out=out, cache=cache)


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the run.")],
    to: Annotated[Path | None, typer.Option(help="The JSON to write; default: what ships.")] = None,
) -> None:
    """Write ONNX and JSON; `measure` comes next."""
    from core.vision.outline import SHIPPED  # noqa: PLC0415  keeps --help quick
    from training.outline_export import export_outline  # noqa: PLC0415

    typer.echo(export_outline(run, to=to or SHIPPED).model_dump_json(indent=2))


@app.command("measure")
def measure_command(
    manifest: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Of the run that gave the split.")],
    masks: Annotated[Path, typer.Option(exists=True, file_okay=False, help="HAM10000's masks.")],
    still: Annotated[int, typer.Option(help="Pairs a side without a change, for the uncertainties; 0: none.")] = 60,
    threads: Annotated[int, typer.Option(help="Of the processor; 0 leaves it to ONNX Runtime.")] = 0,
) -> None:
    """Measure what ships on the test side, and write it into its JSON."""
    from training.outline_measure import measure_outline  # noqa: PLC0415  keeps --help quick

    typer.echo(measure_outline(manifest, masks, still=still, threads=threads).model_dump_json(indent=2))
