"""Augmentation of whole batches on the device; each draw is a function of (seed, stage, epoch)."""

from __future__ import annotations

import torch

from cnnlab.config import AugmentConfig
from cnnlab.device import fold_seed

__all__ = ["Augmenter"]


class Augmenter:
    """Mirrors, shifts and cuts uint8 images ``[N, H, W, C]`` that lie on one device.

    The draws are made on the processor for a whole epoch, so that they are the same on every
    device and a resumed epoch repeats them.
    """

    def __init__(self, images: torch.Tensor, config: AugmentConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._count, self._height, self._width, self._channels = images.shape
        self._images = _reflect(images, config.translate) if config.translate else images
        self._mirror = torch.empty(0, dtype=torch.bool)
        self._shift = self._corner = torch.empty(0, dtype=torch.int64)

    def start_epoch(self, stage: int, epoch: int) -> None:
        """Draw what every row undergoes in this epoch (both counted from 1)."""
        config, count, device = self._config, self._count, self._images.device
        generator = torch.Generator().manual_seed(fold_seed(self._seed, "augment", stage, epoch))
        if config.flip == "random":
            self._mirror = (torch.rand(count, generator=generator) < 0.5).to(device)
        elif config.flip == "alternating":
            first = torch.Generator().manual_seed(fold_seed(self._seed, "flip", stage))
            start = torch.rand(count, generator=first) < 0.5
            self._mirror = (start ^ (epoch % 2 == 0)).to(device)
        if config.translate:
            span = 2 * config.translate + 1
            self._shift = torch.randint(span, (2, count), generator=generator).to(device)
        if config.cutout:
            limits = torch.tensor([[self._height], [self._width]])
            draws = torch.rand(2, count, generator=generator)
            self._corner = ((draws * limits).long() - config.cutout // 2).to(device)

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """Augmented copies of ``rows`` (int64 ``[B]``): uint8 ``[B, H, W, C]``."""
        images = self._cropped(rows) if self._config.translate else self._images[rows]
        if self._config.flip != "none":
            mirror = self._mirror[rows]
            images[mirror] = images[mirror].flip(2)
        if self._config.cutout:
            images = self._cut(images, rows)
        return images

    def _cropped(self, rows: torch.Tensor) -> torch.Tensor:
        # A view [N, dy, dx, H, W, C] of every window of the reflected images: one gather copies
        # just the windows that were drawn.
        stride = self._images.stride()
        span = 2 * self._config.translate + 1
        windows = self._images.as_strided(
            (self._count, span, span, self._height, self._width, self._channels),
            (stride[0], stride[1], stride[2], stride[1], stride[2], stride[3]),
        )
        down, right = self._shift[:, rows]
        return windows[rows, down, right]

    def _cut(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        top, left = self._corner[:, rows]
        side, device = self._config.cutout, images.device
        y = torch.arange(self._height, device=device) - top[:, None]
        x = torch.arange(self._width, device=device) - left[:, None]
        inside = ((y >= 0) & (y < side))[:, :, None] & ((x >= 0) & (x < side))[:, None, :]
        grey = images.float().mean(dim=(1, 2), keepdim=True).to(torch.uint8)
        return torch.where(inside[..., None], grey, images)


def _reflect(images: torch.Tensor, margin: int) -> torch.Tensor:
    """Widen ``[N, H, W, C]`` by ``margin`` pixels on each side, mirrored at the border."""

    def indices(size: int) -> torch.Tensor:
        positions = torch.arange(-margin, size + margin, device=images.device)
        period = max(2 * (size - 1), 1)
        positions = positions.abs() % period
        return torch.minimum(positions, period - positions) if size > 1 else positions * 0

    down, right = indices(images.shape[1]), indices(images.shape[2])
    return images.index_select(1, down).index_select(2, right).contiguous()
