"""Where on the image the pixels of a layer's map lie."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnlab.models.layers import ZeroPadding2D
from cnnlab.models.plan import Step

__all__ = ["Grid", "enlarged", "grids_at"]


class Grid(NamedTuple):
    """Along one side, pixel ``i`` of a map looks at the image around ``first + step * i``."""

    first: float
    step: float


def grids_at(steps: Iterable[Step], layer: str) -> tuple[Grid, Grid]:
    """The rows' and the columns' grid of a layer's map: the middles of its receptive fields.

    Windows without padding, and pooling that leaves a rest out, move a map towards the image's
    upper left: stretching it over the whole image would draw it some pixels off. (Luo et al.,
    "Understanding the effective receptive field", 2016, on how much the middle counts.)
    """
    grids = [Grid(0.0, 1.0), Grid(0.0, 1.0)]
    for step in steps:
        for side in (0, 1):
            grids[side] = _behind(grids[side], step, side)
        if step.name == layer:
            break
    return grids[0], grids[1]


def _behind(grid: Grid, step: Step, side: int) -> Grid:
    if isinstance(step.layer, ZeroPadding2D):
        return Grid(grid.first - grid.step * step.layer.padding[side][0], grid.step)
    size = step.input_shape[side]
    windows = step.layer.windows()
    for number, window in enumerate(windows, start=1):
        reach, stride = window.reach[side], window.strides[side]
        # Inside a block of several windows each is padded so that all pixels count.
        out = step.output_shape[side] if number == len(windows) else -(-size // stride)
        before = max((out - 1) * stride + reach - size, 0) // 2
        middle = (reach - 1) / 2 - before
        grid, size = Grid(grid.first + grid.step * middle, grid.step * stride), out
    return grid


def enlarged(
    small: NDArray[np.floating], grids: tuple[Grid, Grid], height: int, width: int
) -> NDArray[np.float64]:
    """Bring a map ``[h, w]`` to ``[height, width]``, bilinearly between its pixels' places.

    Beyond the outermost places their values go on.
    """
    rows = _weights(small.shape[0], grids[0], height)
    columns = _weights(small.shape[1], grids[1], width)
    full: NDArray[np.float64] = rows @ small.astype(np.float64) @ columns.T
    return full


def _weights(size: int, grid: Grid, length: int) -> NDArray[np.float64]:
    """What each of ``size`` values adds to each of ``length`` pixels, ``[length, size]``."""
    places = np.clip((np.arange(length) - grid.first) / grid.step, 0, size - 1)
    weights: NDArray[np.float64] = np.maximum(1 - np.abs(places[:, None] - np.arange(size)), 0)
    return weights
