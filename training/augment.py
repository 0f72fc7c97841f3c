"""Augmentation of a whole batch at once, on the device that trains: dermoscopy has no up, no left, no fixed light."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


class Augment:
    """From uint8 [B, s, s, 3] to normalised float [B, 3, size, size], differently each time.

    Every image is turned by any angle, flipped, zoomed (0.65 to 1.1 of its side is seen), stretched (up to 15 %),
    shifted (up to 8 %), changed in brightness, contrast, saturation and the balance of its channels, and three in ten
    get a grey square over them (cutout, arXiv:1708.04552). `generator` makes it repeatable.
    """

    def __init__(self, *, size: int, mean: Sequence[float], std: Sequence[float], generator: torch.Generator) -> None:
        self.size = size
        self.mean = torch.tensor(mean, device=generator.device).view(1, 3, 1, 1)
        self.std = torch.tensor(std, device=generator.device).view(1, 3, 1, 1)
        self.generator = generator

    def __call__(self, pixels: Tensor) -> Tensor:
        images = pixels.permute(0, 3, 1, 2).float().div_(255)
        images = self._recolour(self._move(images)).clamp_(0, 1)
        images = (images - self.mean) / self.std
        return self._cut_out(images)

    def _between(self, low: float, high: float, *shape: int) -> Tensor:
        share = torch.rand(shape, generator=self.generator, device=self.generator.device)
        return share * (high - low) + low

    def _move(self, images: Tensor) -> Tensor:
        count = len(images)
        angle = self._between(0, 2 * math.pi, count)
        zoom = self._between(math.log(0.65), math.log(1.1), count).exp()
        stretch = self._between(-0.15, 0.15, count).exp()
        flip = self._between(0, 1, count).lt(0.5).float() * 2 - 1
        across, down = zoom * stretch.sqrt(), zoom / stretch.sqrt()
        theta = torch.empty(count, 2, 3, device=images.device)
        theta[:, 0, 0], theta[:, 0, 1] = angle.cos() * across * flip, -angle.sin() * down
        theta[:, 1, 0], theta[:, 1, 1] = angle.sin() * across * flip, angle.cos() * down
        theta[:, :, 2] = self._between(-0.08, 0.08, count, 2)
        grid = functional.affine_grid(theta, [count, 3, self.size, self.size], align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def _recolour(self, images: Tensor) -> Tensor:
        count = len(images)
        gain = self._between(0.8, 1.2, count, 1, 1, 1) * self._between(0.93, 1.07, count, 3, 1, 1)
        images = images * gain
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * self._between(0.75, 1.25, count, 1, 1, 1)
        middle = grey.mean(dim=(2, 3), keepdim=True)
        return middle + (images - middle) * self._between(0.8, 1.2, count, 1, 1, 1)

    def _cut_out(self, images: Tensor) -> Tensor:
        count = len(images)
        half = self._between(0.05, 0.15, count, 1) * self._between(0, 1, count, 1).lt(0.3)
        centre = self._between(0, 1, count, 2)
        place = (torch.arange(self.size, device=images.device) + 0.5) / self.size
        across = (place - centre[:, :1]).abs() < half
        down = (place - centre[:, 1:]).abs() < half
        hidden = down[:, None, :, None] & across[:, None, None, :]
        return images.masked_fill(hidden, 0.0)


class Mix:
    """Mixes the images of a batch in pairs, so that no image can be learnt by heart.

    Half of the mixed batches are blended (mixup, arXiv:1710.09412), half get a rectangle of their partner (CutMix,
    arXiv:1905.04899); `share` (0..1) of all batches are mixed. `generator` makes it repeatable.
    """

    def __init__(self, *, share: float, generator: torch.Generator) -> None:
        self.share = share
        self.generator = generator

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From float [B, 3, S, S] to the mixed images, each one's partner (int [B]) and its own share of it, [B]."""
        device, count = images.device, len(images)
        partner = torch.randperm(count, generator=self.generator, device=device)
        chance, kind = torch.rand(2, generator=self.generator, device=device).tolist()
        own = torch.rand(count, generator=self.generator, device=device)
        if chance >= self.share:
            return images, partner, torch.ones_like(own)
        if kind < 0.5:
            # Between 0.5 and 1: below that, the two would only change their names.
            own = 0.5 + own / 2
            weight = own.view(-1, 1, 1, 1)
            return weight * images + (1 - weight) * images[partner], partner, own
        inside = self._rectangles(images.shape[-1], side=(1 - own).sqrt())
        return torch.where(inside[:, None], images[partner], images), partner, 1 - inside.float().mean(dim=(1, 2))

    def _rectangles(self, size: int, *, side: Tensor) -> Tensor:
        """For each `side` (0..1 of the image) a square somewhere, cut where the image ends: bool [B, size, size]."""
        centre = torch.rand(len(side), 2, generator=self.generator, device=side.device)
        place = (torch.arange(size, device=side.device) + 0.5) / size
        across = (place - centre[:, :1]).abs() < side[:, None] / 2
        down = (place - centre[:, 1:]).abs() < side[:, None] / 2
        return down[:, :, None] & across[:, None, :]
