"""Images to corrupt, and how far from them the result is."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from cnnlab.data.corruptions import (
    chosen_corruptions,
    corrupt,
)

NAMES = [entry.name for entry in chosen_corruptions()]


@cache
def scenes(count: int, height: int = 32, width: int = 32, channels: int = 3, seed: int = 0):
    """Smooth random images that reach from dark to bright, with some edges in them."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=(count, height, width, channels))
    smooth = ndimage.gaussian_filter(rough, (0, 3, 3, 0), mode="wrap")
    smooth = smooth / smooth.std(axis=(1, 2), keepdims=True) * 45 + 120
    smooth += 50 * np.sign(rough[:, :1, :1]) * (np.arange(width) > width // 2)[:, None]
    return np.clip(smooth, 0, 255).astype(np.uint8)


def grey(level: int, count: int = 64, side: int = 32, channels: int = 3):
    return np.full((count, side, side, channels), level, dtype=np.uint8)


def rows(count: int):
    return np.arange(count, dtype=np.int64)


def psnr(images, name, severity):
    found = corrupt(images, name, severity, rows(len(images)))
    error = ((found.astype(float) - images) ** 2).mean()
    return 10 * np.log10(255**2 / error)


def levels(images):
    return images.astype(np.float32) / np.float32(255)
