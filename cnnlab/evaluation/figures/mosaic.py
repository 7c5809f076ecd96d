"""Many small images as one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["mosaic"]

#: Images are drawn at most so many pixels high and wide.
_LARGEST = 96


def mosaic(
    images: NDArray[np.uint8], places: NDArray[np.int64], shape: tuple[int, int], gap: float = 0.08
) -> NDArray[np.uint8]:
    """Set images into a grid of equal cells, transparent between them.

    Parameters
    ----------
    images: uint8 ``[N, H, W, C]``: grey, colour, or colour with alpha.
    places: int64 ``[N]``, the cell of each, counted along the rows.
    shape: rows and columns of cells.
    gap: share of a cell's side that stays free.

    Returns
    -------
    uint8 ``[rows * side, columns * side, 4]``: red, green, blue and alpha.
    """
    small = _colour_with_alpha(images[:, :: _step(images.shape[1]), :: _step(images.shape[2])])
    height, width = small.shape[1:3]
    side = math.ceil(max(height, width) / (1 - gap))
    rows, columns = shape
    canvas = np.zeros((rows, side, columns, side, 4), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    row, column = np.divmod(places, columns)
    for image, r, c in zip(small, row, column, strict=True):
        canvas[r, top : top + height, c, left : left + width] = image
    return canvas.reshape(rows * side, columns * side, 4)


def _step(pixels: int) -> int:
    return max(1, math.ceil(pixels / _LARGEST))


def _colour_with_alpha(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    channels = images.shape[3]
    if channels == 4:
        return images
    colour = images if channels == 3 else np.repeat(images[..., :1], 3, axis=3)
    return np.concatenate([colour, np.full_like(colour[..., :1], 255)], axis=3)
