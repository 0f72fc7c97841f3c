"""Augmentation for outlines: image and mask move together, the image alone changes its light, colour and hair.

Stronger than what the reading model is trained with (`training.augment`): where a lesion ends must not depend on whose
camera looked at it.
"""

import math

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.outline_network import MEAN, STD

HAIRS = 64
"""How many different tufts of hair are drawn."""


class OutlineAugment:
    """From uint8 [B, s, s, 3] and masks uint8 [B, s, s] (0..255) to float [B, 3, size, size] and [B, 1, size, size].

    Every image is turned by any angle, flipped, zoomed (0.5 to 1.4 of its side is seen, mirrored beyond its border),
    stretched (up to 20 %) and shifted (up to 15 %); of one in twelve only a corner is seen, where there is often no
    lesion. Brightness (0.6 to 1.4), the balance of the channels (0.8 to 1.2), gamma (0.7 to 1.4), saturation (0.4 to
    1.6) and contrast (0.6 to 1.4) change, light falls off to one side (up to 20 %), and shares of the images are
    blurred, made noisy, given the dark corners of a dermatoscope, or hair. `generator` makes it repeatable.
    """

    def __init__(self, *, size: int, generator: torch.Generator) -> None:
        self.size = size
        self.generator = generator
        self.tufts = _draw_tufts(size, seed=int(generator.initial_seed()))

    def __call__(self, pixels: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat([pixels, masks[..., None]], dim=3).permute(0, 3, 1, 2).float().div_(255)
        moved = self._move(both)
        images = self._spoil(self._recolour(moved[:, :3])).clamp_(0, 1)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        return (images - mean) / std, moved[:, 3:]

    def _between(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator) * (high - low) + low

    def _chosen(self, share: float, count: int) -> Tensor:
        return self._between(0, 1, count, 1, 1, 1).lt(share)

    def _move(self, both: Tensor) -> Tensor:
        count = len(both)
        angle = self._between(0, 2 * math.pi, count)
        corner = self._between(0, 1, count).lt(1 / 12)
        zoom = self._between(math.log(0.5), math.log(1.4), count).exp().masked_fill_(corner, 0.3)
        stretch = self._between(-0.2, 0.2, count).exp()
        flip = self._between(0, 1, count).lt(0.5).float() * 2 - 1
        across, down = zoom * stretch.sqrt(), zoom / stretch.sqrt()
        sides = self._between(0, 1, count, 2).lt(0.5).float() * 1.3 - 0.65
        theta = torch.empty(count, 2, 3)
        theta[:, 0, 0], theta[:, 0, 1] = angle.cos() * across * flip, -angle.sin() * down
        theta[:, 1, 0], theta[:, 1, 1] = angle.sin() * across * flip, angle.cos() * down
        theta[:, :, 2] = torch.where(corner[:, None], sides, self._between(-0.15, 0.15, count, 2))
        grid = functional.affine_grid(theta, [count, 4, self.size, self.size], align_corners=False)
        return functional.grid_sample(both, grid, padding_mode="reflection", align_corners=False)

    def _recolour(self, images: Tensor) -> Tensor:
        count = len(images)
        images = images.clamp(1e-4, 1) ** self._between(math.log(0.7), math.log(1.4), count, 1, 1, 1).exp()
        images = images * self._between(0.6, 1.4, count, 1, 1, 1) * self._between(0.8, 1.2, count, 3, 1, 1)
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * self._between(0.4, 1.6, count, 1, 1, 1)
        middle = grey.mean(dim=(2, 3), keepdim=True)
        images = middle + (images - middle) * self._between(0.6, 1.4, count, 1, 1, 1)
        across = torch.linspace(-1, 1, self.size)
        slope = self._between(-0.2, 0.2, count, 2, 1, 1)
        return images * (1 + slope[:, :1] * across.view(1, 1, 1, -1) + slope[:, 1:] * across.view(1, 1, -1, 1))

    def _spoil(self, images: Tensor) -> Tensor:
        count = len(images)
        blurred = functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
        images = torch.where(self._chosen(0.2, count), blurred, images)
        tufts = self.tufts[torch.randint(HAIRS, (count,), generator=self.generator)]
        hair = tufts * self._chosen(0.3, count) * self._between(0.5, 1, count, 1, 1, 1)
        colour = self._between(0.02, 0.45, count, 1, 1, 1) * torch.tensor([1.0, 0.85, 0.7]).view(1, 3, 1, 1)
        images = images * (1 - hair) + colour * hair
        across = torch.linspace(-1, 1, self.size)
        outside = torch.hypot(across[:, None], across[None]) > self._between(0.95, 1.2, count, 1, 1, 1)
        images = images.masked_fill(outside & self._chosen(0.15, count), 0.02)
        noise = torch.randn(images.shape, generator=self.generator) * self._between(0, 0.05, count, 1, 1, 1)
        return images + noise * self._chosen(0.3, count)


def _draw_tufts(size: int, *, seed: int) -> Tensor:
    """Float [HAIRS, 1, size, size], 1 where there is hair: 3 to 20 bent strokes of one or two pixels."""
    random = np.random.default_rng(seed)
    tufts = np.zeros((HAIRS, size, size), dtype=np.uint8)
    share = np.linspace(0, 1, 12)[:, None]
    for tuft in tufts:
        for _ in range(random.integers(3, 20)):
            start, bend, end = random.uniform(-0.2, 1.2, size=(3, 2)) * size
            bend = (start + end) / 2 + (bend - size / 2) * 0.3
            curve = (1 - share) ** 2 * start + 2 * share * (1 - share) * bend + share**2 * end
            points = np.rint(curve * 8).astype(np.int32)
            cv2.polylines(tuft, [points], False, 255, int(random.integers(1, 3)), cv2.LINE_AA, shift=3)
    return torch.from_numpy(tufts).float().div_(255)[:, None]
