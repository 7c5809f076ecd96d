"""Mean and standard deviation of an image collection's channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["channel_moments"]

#: So many bytes at a time stay in the processor's cache.
_BLOCK_BYTES = 1 << 20
#: Squares of so many bytes add up to less than 2**32.
_MOST_LINES = 1 << 16


def channel_moments(
    images: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of each channel, ``[C]`` each, in units of pixel / 255.

    Parameters
    ----------
    images: uint8 ``[N, H, W, C]``.
    rows: which of the images; at least one.

    Sums are of whole numbers: the result is exact to rounding, whatever the order.
    """
    height, width, channels = images.shape[1:]
    sums = np.zeros((2, width * channels), dtype=np.int64)
    step = max(1, min(_BLOCK_BYTES // (height * width * channels), _MOST_LINES // height))
    for start in range(0, len(rows), step):
        # Lines of pixels, not pixels: sums over three numbers at a time would leave vectors empty.
        lines = images[rows[start : start + step]].reshape(-1, width * channels)
        sums[0] += lines.sum(axis=0, dtype=np.uint32)
        squares = lines.astype(np.uint16)
        squares *= squares
        sums[1] += squares.sum(axis=0, dtype=np.uint32)
    total, of_squares = sums.reshape(2, width, channels).sum(axis=1)
    count = len(rows) * height * width
    mean = total / count / 255
    return mean, of_squares / count / 255**2 - mean**2
