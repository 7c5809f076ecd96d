"""Augmentation of whole batches on the device; each draw is a function of (seed, stage, epoch)."""

from __future__ import annotations

import torch

from cnnlab.config import AugmentConfig
from cnnlab.device import fold_seed

__all__ = ["Augmenter"]


class Augmenter:
    """Mirrors, shifts and cuts uint8 images ``[B, H, W, C]`` of a stage of ``count`` images.

    The draws are made on the processor for a whole epoch, so that they are the same on every
    device and a resumed epoch repeats them. The images come batch by batch: a dataset need not
    lie in memory, nor a copy of it that is widened at the border.
    """

    def __init__(
        self, config: AugmentConfig, *, count: int, size: tuple[int, int], seed: int
    ) -> None:
        self._config, self._seed = config, seed
        self._count, self._size = count, size
        self._mirror = torch.empty(0, dtype=torch.bool)
        self._shift = self._corner = torch.empty(0, dtype=torch.int64)

    def start_epoch(self, stage: int, epoch: int) -> None:
        """Draw what every image of the stage undergoes in this epoch (both counted from 1)."""
        config, count = self._config, self._count
        generator = torch.Generator().manual_seed(fold_seed(self._seed, "augment", stage, epoch))
        if config.flip == "random":
            self._mirror = torch.rand(count, generator=generator) < 0.5
        elif config.flip == "alternating":
            first = torch.Generator().manual_seed(fold_seed(self._seed, "flip", stage))
            start = torch.rand(count, generator=first) < 0.5
            self._mirror = start ^ (epoch % 2 == 0)
        if config.translate:
            span = 2 * config.translate + 1
            self._shift = torch.randint(span, (2, count), generator=generator)
        if config.cutout:
            limits = torch.tensor(self._size)[:, None]
            draws = torch.rand(2, count, generator=generator)
            self._corner = (draws * limits).long() - config.cutout // 2

    def apply(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Augment copies by the draws of ``rows`` (int64 ``[B]``, on the processor).

        There is a draw for each of the stage's rows, and those of the copies are taken; where a
        row comes several times an epoch, that of its place. ``images``: uint8 ``[B, H, W, C]`` on
        any device, and may be overwritten.
        """
        config, device = self._config, images.device
        if config.translate:
            down, right = self._shift[:, rows].to(device)
            images = _crop(_reflect(images, config.translate), self._size, down, right)
        if config.flip != "none":
            mirror = self._mirror[rows].to(device).nonzero().squeeze(1)
            images[mirror] = images[mirror].flip(2)
        if config.cutout:
            images = self._cut(images, *self._corner[:, rows].to(device))
        return images

    def _cut(self, images: torch.Tensor, top: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        (height, width), side, device = self._size, self._config.cutout, images.device
        y = torch.arange(height, device=device) - top[:, None]
        x = torch.arange(width, device=device) - left[:, None]
        inside = ((y >= 0) & (y < side))[:, :, None] & ((x >= 0) & (x < side))[:, None, :]
        grey = images.float().mean(dim=(1, 2), keepdim=True).to(torch.uint8)
        return torch.where(inside[..., None], grey, images)


def _crop(
    images: torch.Tensor, size: tuple[int, int], down: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Cut a window of ``size`` out of each image, at offsets ``down`` and ``right`` (``[B]``)."""
    # A view [B, y, x, H, W, C] of every window: one gather copies just those that were drawn.
    count, tall, wide, channels = images.shape
    height, width = size
    stride = images.stride()
    windows = images.as_strided(
        (count, tall - height + 1, wide - width + 1, height, width, channels),
        (stride[0], stride[1], stride[2], stride[1], stride[2], stride[3]),
    )
    return windows[torch.arange(count, device=images.device), down, right]


def _reflect(images: torch.Tensor, margin: int) -> torch.Tensor:
    """Widen ``[B, H, W, C]`` by ``margin`` pixels on each side, mirrored at the border."""
    count, height, width, channels = images.shape
    wide = images.new_empty(count, height + 2 * margin, width + 2 * margin, channels)
    inner = slice(margin, -margin)
    wide[:, inner, inner] = images
    # Row by row and column by column: gathering three bytes at a time takes ten times as long.
    for axis, size in ((1, height), (2, width)):
        lines = wide.unbind(axis)
        for target, source in _mirrored(size, margin):
            lines[target].copy_(lines[source])
    return wide


def _mirrored(size: int, margin: int) -> list[tuple[int, int]]:
    """Of a side of ``size`` pixels with margins: which line of a margin is a copy of which."""
    period = max(2 * (size - 1), 1)
    pairs = []
    for target in [*range(margin), *range(margin + size, 2 * margin + size)]:
        position = abs(target - margin) % period
        pairs.append((target, margin + min(position, period - position)))
    return pairs if size > 1 else [(target, margin) for target, _ in pairs]
