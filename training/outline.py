"""Train the network that outlines a lesion on the masks of HAM10000 (Tschandl et al. 2020). Read it from top to bottom.

The masks lie beside HAM10000 as ISIC_..._segmentation.png. The sides of the split are those of a run of `training.fit`,
so that a lesion that is measured on was seen by neither network. A run that is killed goes on from its last epoch.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor
from torch.nn import functional

from core.vision.preprocess import Pixels
from training.masks import with_masks
from training.outline_augment import OutlineAugment
from training.outline_network import MEAN, STD, OutlineNetwork
from training.pixels import load_pixels
from training.run import Sample
from training.splits import TRAIN, VAL

MARGIN = 1.125
"""Images are held this much larger than the network's input, for what the augmentation zooms into."""


@dataclass(frozen=True)
class OutlineConfig:
    """Settings of one run.

    Attributes:
        manifest: manifest.csv of the run whose sides of the split are used.
        masks: folder of the masks.
        initial_weights: state dict of EfficientNet-Lite0 to start from; empty starts from random weights.
        size: side of the network's input in pixels.
        learning_rate: at its highest; it warms up over the first 5 % and falls by a cosine to 1 % of that.
        ema_decay: of the averaged weights, per step; the averaged ones are kept.
        validate_on: images of the validation side that each epoch is measured on.
    """

    manifest: str
    masks: str
    initial_weights: str = ""
    size: int = 128
    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    ema_decay: float = 0.99
    validate_on: int = 400
    seed: int = 0


def fit_outline(config: OutlineConfig, *, out: Path, cache: Path) -> Path:
    """Train into the folder `out`, or go on with the run that lies there; returns its checkpoint."""
    checkpoint = out / "checkpoint.pt"
    out.mkdir(parents=True, exist_ok=True)
    pairs = with_masks(Path(config.manifest), Path(config.masks))
    train = [pair for pair in pairs if pair[0].split == TRAIN]
    val = [pair for pair in pairs if pair[0].split == VAL][: config.validate_on]
    held = round(config.size * MARGIN)
    pixels, masks = _load(train, size=held, cache=cache)
    val_pixels, val_masks = _load(val, size=config.size, cache=cache)
    print(f"{len(train)} images to train on, {len(val)} to look at after each epoch", flush=True)

    torch.manual_seed(config.seed)
    initial = Path(config.initial_weights) if config.initial_weights else None
    network = OutlineNetwork(initial_weights=initial).to(memory_format=torch.channels_last)
    averaged = ModelEmaV3(network, decay=config.ema_decay, use_warmup=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * (len(train) // config.batch_size)
    step, begun = 0, 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        averaged.module.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        step, begun = state["step"], state["epoch"]

    for epoch in range(begun, config.epochs):
        started = time.monotonic()
        generator = torch.Generator().manual_seed(config.seed * 1000 + epoch)
        augment = OutlineAugment(size=config.size, generator=generator)
        network.train()
        losses = []
        for indices in _batches(len(train), size=config.batch_size, generator=generator):
            images, truth = augment(torch.from_numpy(pixels[indices]), torch.from_numpy(masks[indices]))
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _schedule(step / steps)
            loss = outline_loss(network(images.contiguous(memory_format=torch.channels_last)), truth)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            averaged.update(network, step=step)
            step += 1
            losses.append(loss.item())
            if step % 25 == 0:
                print(f"  step {step}/{steps}  loss {np.mean(losses[-25:]):.4f}", flush=True)
        found = dice(predict(averaged.module, val_pixels) > 0.5, val_masks > 127)
        state = {
            "network": network.state_dict(),
            "averaged": averaged.module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
            "epoch": epoch + 1,
            "config": asdict(config),
        }
        torch.save(state, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").rename(checkpoint)
        print(
            f"epoch {epoch + 1}/{config.epochs}  loss {np.mean(losses):.4f}  Dice on validation {found.mean():.4f}"
            f"  {time.monotonic() - started:.0f} s",
            flush=True,
        )
    return checkpoint


def outline_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy plus one minus the soft Dice of each image (Milletari et al. 2016, arXiv:1606.04797).

    One pixel is added to both sides of the Dice, so that an image without a lesion counts and divides by no zero.
    """
    probability = logits.sigmoid()
    overlap = (probability * truth).sum(dim=(1, 2, 3))
    together = probability.sum(dim=(1, 2, 3)) + truth.sum(dim=(1, 2, 3))
    soft_dice = (2 * overlap + 1) / (together + 1)
    return functional.binary_cross_entropy_with_logits(logits, truth) + 1 - soft_dice.mean()


def dice(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Twice the overlap over the sum of both areas (Dice 1945), per image of bool [N, H, W]; 1 where both are empty."""
    overlap = (found & truth).sum(axis=(1, 2))
    together = found.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
    shares: npt.NDArray[np.float64] = np.where(together > 0, 2 * overlap / np.maximum(together, 1), 1.0)
    return shares


@torch.inference_mode()
def predict(network: torch.nn.Module, pixels: Pixels, *, batch_size: int = 64) -> npt.NDArray[np.float32]:
    """Probability [N, S, S] that each pixel of uint8 [N, S, S, 3] is lesion."""
    network.eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    found = []
    for start in range(0, len(pixels), batch_size):
        batch = torch.from_numpy(pixels[start : start + batch_size]).permute(0, 3, 1, 2).float().div_(255)
        batch = ((batch - mean) / std).contiguous(memory_format=torch.channels_last)
        found.append(network(batch).sigmoid()[:, 0].numpy())
    return np.concatenate(found)


def _load(pairs: list[tuple[Sample, Path]], *, size: int, cache: Path) -> tuple[Pixels, Pixels]:
    """Images uint8 [N, size, size, 3] and their masks uint8 [N, size, size], 0 to 255."""
    pixels = load_pixels([sample.row for sample, _ in pairs], size=size, cache=cache)
    masks = np.empty((len(pairs), size, size), dtype=np.uint8)
    for index, (_, path) in enumerate(pairs):
        with Image.open(path) as image:
            masks[index] = np.asarray(image.convert("L").resize((size, size), Image.Resampling.BILINEAR))
    return pixels, masks


def _batches(count: int, *, size: int, generator: torch.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of whole batches in a new order; the rest of the last one is left out."""
    order = torch.randperm(count, generator=generator).numpy()
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]


def _schedule(progress: float) -> float:
    if progress < 0.05:
        return progress / 0.05
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - 0.05) / 0.95)) / 2
