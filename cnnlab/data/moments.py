"""Mean and standard deviation of an image collection's channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["channel_moments"]

#: Pixels are counted so many bytes at a time.
_BLOCK_BYTES = 16 << 20


def channel_moments(
    images: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of each channel, ``[C]`` each, in units of pixel / 255.

    Parameters
    ----------
    images: uint8 ``[N, H, W, C]``.
    rows: which of the images; at least one.

    Values are counted, not summed: the result is exact to rounding, whatever the order.
    """
    height, width, channels = images.shape[1:]
    counts = np.zeros((channels, 256), dtype=np.int64)
    step = max(1, _BLOCK_BYTES // (height * width * channels))
    for start in range(0, len(rows), step):
        block = images[rows[start : start + step]]
        for channel in range(channels):
            counts[channel] += np.bincount(block[..., channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = counts @ values / counts.sum(axis=1)
    variance = counts @ values**2 / counts.sum(axis=1) - mean**2
    return mean, variance
