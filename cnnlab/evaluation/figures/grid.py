"""Sample images side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import Picture, new_figure
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["sample_grid"]

_WIDTH = 8.4
_MOST_COLUMNS = 10
_COLUMNS_AN_INCH = 13


def sample_grid(images: NDArray[np.uint8], titles: Sequence[str]) -> Picture:
    """Draw uint8 images ``[N, H, W, C]``, at most ten a row, each under its title.

    One channel (or the first of two) is drawn grey, three as colour, four as colour with alpha.
    Raises :class:`InputError` for no images, another type or shape, or other than N titles.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or not 1 <= images.shape[-1] <= 4:
        raise InputError(
            f"images are {images.dtype} {list(images.shape)}",
            expected="uint8 [N, H, W, C], C 1 to 4",
        )
    if not len(images) or len(titles) != len(images):
        raise InputError(f"{len(titles)} titles for {len(images)} images", expected="one each")
    return Picture(lambda shown: _draw(images, [shown(title) for title in titles]))


def _draw(images: NDArray[np.uint8], titles: Sequence[str]) -> Figure:
    columns = min(len(images), _MOST_COLUMNS)
    rows = math.ceil(len(images) / columns)
    cell = min(_WIDTH / columns, 1.6)
    height, width, channels = images.shape[1:]
    figure = new_figure(cell * columns, (cell * height / width + 0.2) * rows, fixed_aspect=True)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        pixels = image if channels > 2 else image[..., 0]
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        words = shortened(title, int(cell * _COLUMNS_AN_INCH))
        axes.set_title(words, fontsize=8, fontweight="normal", loc="center", pad=3)
    return figure
