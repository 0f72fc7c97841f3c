"""Train a network on the manifest. Read it from top to bottom.

The sizes grow by phases (progressive resizing: small images teach most of it at a fraction of the price), the whole set
is held in memory, and the averaged weights are what is kept. A run that is killed goes on from its last epoch.
"""

import json
import math
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.utils import set_seed, tqdm  # type: ignore[import-untyped]
from safetensors.torch import save_file
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from training.augment import Augment, Mix
from training.data import Manifest
from training.loss import mixed_loss
from training.metrics import summarise
from training.network import build_network, input_statistics, predict_logits, set_training
from training.pixels import load_pixels
from training.run import FitConfig, Progress, Sample, admissible_matrix, load_manifest, save_manifest
from training.splits import TEST, TRAIN, VAL, split_manifest

MARGIN = 1.125
"""Images are held this much larger than the network's input, for what the augmentation zooms into; and they are
validated at this size, since zooming in makes a lesion look larger in training than later (arXiv:1906.06423)."""

FEW = 50
"""Images of a class within a source, at least, for balancing: repeated more often they would be learnt by heart."""


def fit(  # noqa: PLR0915  a training script that reads from top to bottom
    manifest: Manifest, *, out: Path, config: FitConfig, cache: Path
) -> Path:
    """Train into the folder `out`, or go on with the run that lies there; returns `out`.

    `cache` holds resized images between runs.
    """
    out.mkdir(parents=True, exist_ok=True)
    samples = split_once(manifest, out=out, config=config, cache=cache)
    config.save(out / "config.json")
    rows = [sample.row for sample in samples]
    admissible = torch.from_numpy(admissible_matrix(rows))
    train = np.array([index for index, sample in enumerate(samples) if sample.split == TRAIN])
    held_out = VAL if any(sample.split == VAL for sample in samples) else TEST
    val = np.array([index for index, sample in enumerate(samples) if sample.split == held_out])
    sources = [rows[index].source for index in train]
    weights = sampling_weights(admissible[train], sources=sources, balance=config.balance)

    set_seed(config.seed)
    accelerator = Accelerator(mixed_precision=config.mixed_precision, log_with="tensorboard", project_dir=out)
    accelerator.init_trackers("tensorboard")
    network, origin = build_network(
        config.architecture,
        initial_weights=config.initial_weights,
        dropout=config.dropout,
        drop_path=config.drop_path,
    )
    mean, std = input_statistics(network)
    set_training(network, frozen_stages=config.frozen_stages)
    network = network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = ModelEmaV3(network, decay=config.ema_decay, use_warmup=True)
    optimizer = torch.optim.AdamW(
        parameter_groups(network, config.weight_decay), lr=config.learning_rate, betas=(0.9, 0.99)
    )
    model, optimizer = accelerator.prepare(network, optimizer)
    accelerator.register_for_checkpointing(averaged)
    # One compiled graph for each size: a graph for all sizes is slower than none.
    stepper = torch.compile(model, dynamic=False) if config.compile else model

    settle_checkpoint(out)
    progress = Progress.load(out)
    if progress.epochs:
        accelerator.load_state(str(out / "checkpoint"))
    else:
        progress.initial_weights = origin
    phases = config.phases()
    per_process = config.batch_size * accelerator.num_processes
    steps = max(1, len(train) // per_process)
    started, work_done = time.monotonic(), 0.0
    bar = tqdm(
        total=steps * sum(side**2 for side in phases),
        initial=steps * sum(side**2 for side in phases[: len(progress.epochs)]),
        bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left",
        disable=not sys.stderr.isatty(),
    )

    for epoch in range(len(progress.epochs), len(phases)):
        size = phases[epoch]
        bar.set_description(f"epoch {epoch + 1}/{len(phases)}, {size} px")
        # Each epoch has its own seed, so that one that is resumed is the one that would have been.
        set_seed(config.seed + 1000 * (epoch + 1), device_specific=True)
        generator = torch.Generator(accelerator.device).manual_seed(torch.initial_seed())
        augment = Augment(size=size, mean=mean, std=std, generator=generator)
        mix = Mix(share=config.mix, generator=generator)
        pixels = load_pixels(rows, size=round(size * MARGIN), cache=cache)
        order = train[torch.multinomial(weights, steps * config.batch_size, replacement=True).numpy()]

        set_training(accelerator.unwrap_model(model), frozen_stages=config.frozen_stages)
        total = torch.zeros((), device=accelerator.device)
        for step in range(steps):
            picked = order[step * config.batch_size : (step + 1) * config.batch_size]
            images, partner, own = mix(augment(torch.from_numpy(pixels[picked]).to(accelerator.device)))
            rate = learning_rate(config, done=(epoch * steps + step) / (len(phases) * steps))
            for group in optimizer.param_groups:
                group["lr"] = rate
            with accelerator.autocast():
                logits = stepper(images.contiguous(memory_format=torch.channels_last))
            target = admissible[picked].to(accelerator.device)
            loss = mixed_loss(logits.float(), target, partner, own, smoothing=config.label_smoothing)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            averaged.update(accelerator.unwrap_model(model), step=epoch * steps + step + 1)
            total += loss.detach()
            bar.update(size**2)

        seen = predict_logits(averaged.module, pixels[val], mean=mean, std=std)
        figures = summarise(seen, [rows[index] for index in val])
        progress.epochs.append({"size": size, "loss": total.item() / steps, **figures})
        accelerator.log({**progress.epochs[-1], "learning_rate": rate}, step=epoch + 1)
        if accelerator.is_main_process:
            save_progress(out, progress, accelerator=accelerator, averaged=averaged)
        work_done += size**2
        left = (time.monotonic() - started) * sum(side**2 for side in phases[epoch + 1 :]) / work_done
        told = "  ".join(f"{name} {value:.3f}" for name, value in progress.epochs[-1].items() if name != "size")
        accelerator.print(f"epoch {epoch + 1}/{len(phases)}  {size} px  {told}  {left / 60:.0f} min left", flush=True)
    bar.close()
    accelerator.end_training()
    accelerator.free_memory()
    return out


def split_once(manifest: Manifest, *, out: Path, config: FitConfig, cache: Path) -> list[Sample]:
    """The manifest with its splits: those of the run in `out` where there is one, else new ones, written there."""
    path = out / "manifest.csv"
    if not path.exists():
        samples, decisions = split_manifest(manifest, protocol=config.protocol, seed=config.seed, cache=cache)
        (out / "decisions.json").write_text(json.dumps(decisions, indent=2) + "\n", encoding="utf-8")
        save_manifest(samples, path)
    return load_manifest(path)


def sampling_weights(admissible: Tensor, *, sources: Sequence[str], balance: float) -> Tensor:
    """For bool [N, 9], how likely each image is to be drawn: (count of its class within its source) ** -balance.

    Balanced within each source, since a source that is rich in a class lends that class its camera. A coarse label
    counts for a share of each of its classes; a handful of images is not drawn as if it were fewer than `FEW`.
    """
    shares = admissible.double() / admissible.sum(dim=1, keepdim=True)
    weights = torch.zeros(len(shares), dtype=torch.double)
    for source in set(sources):
        here = torch.tensor([name == source for name in sources])
        of_class = shares[here].sum(dim=0).clamp(min=FEW) ** -balance
        weights[here] = shares[here] @ of_class
    return weights


def parameter_groups(network: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels; none for biases and the scales of normalisation."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate(config: FitConfig, *, done: float) -> float:
    """The learning rate when the share `done` (0..1) of all steps is done."""
    warm_up = 0.05
    if done < warm_up:
        return config.learning_rate * (0.02 + 0.98 * done / warm_up)
    fall = (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2
    return config.learning_rate * (0.01 + 0.99 * fall)


def save_progress(out: Path, progress: Progress, *, accelerator: Accelerator, averaged: ModelEmaV3) -> None:
    """Write the state beside the old one and then change places, so that a kill leaves one of the two whole."""
    fresh, current = out / "checkpoint.new", out / "checkpoint"
    shutil.rmtree(fresh, ignore_errors=True)
    accelerator.save_state(str(fresh))
    save_file(
        {name: value.contiguous() for name, value in averaged.module.state_dict().items()},
        fresh / "averaged.safetensors",
    )
    (fresh / "progress.json").write_text(json.dumps(asdict(progress), indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(current, ignore_errors=True)
    fresh.rename(current)


def settle_checkpoint(out: Path) -> None:
    """Finish the change of places where a kill came in its midst; the progress is what is written last."""
    fresh, current = out / "checkpoint.new", out / "checkpoint"
    if (fresh / "progress.json").exists() and not (current / "progress.json").exists():
        shutil.rmtree(current, ignore_errors=True)
        fresh.rename(current)
