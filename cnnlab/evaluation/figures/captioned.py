"""Images, or pairs of them, with what there is to say of each below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import Picture, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["captioned_images"]

_WIDTH = 8.6
_IMAGE, _LINE, _GAP = 0.95, 0.135, 0.14
_COLUMNS_AN_INCH = 17.5
_FONT_SIZE = 7.0


def captioned_images(
    images: NDArray[np.uint8], captions: Sequence[Sequence[str]], *, side_by_side: int = 1
) -> Picture:
    """Draw uint8 images ``[K * side_by_side, H, W, C]`` in K cells, each above its caption's lines.

    ``side_by_side``: images of one cell, e.g. 2 for pairs. Raises :class:`InputError` for no
    images or another number of captions than of cells.
    """
    if not len(images) or len(images) != len(captions) * side_by_side:
        raise InputError(
            f"{len(captions)} captions for {len(images)} images",
            expected=f"one for each {side_by_side}, at least one",
        )
    return Picture(lambda shown: _draw(shown, images, captions, side_by_side))


def _draw(
    shown: Shown, images: NDArray[np.uint8], captions: Sequence[Sequence[str]], each: int
) -> Figure:
    height, width = images.shape[1:3]
    across = _IMAGE * each
    down = _IMAGE * height / width
    lines = max(map(len, captions))
    wide = max(across, 1.35) + _GAP
    columns = min(len(captions), int(_WIDTH / wide))
    rows = math.ceil(len(captions) / columns)
    tall = down + _LINE * lines + 2 * _GAP
    size = (max(columns * wide + _GAP, 3.0), rows * tall + _GAP)
    figure = new_figure(*size, placed=True)
    letters = int((wide - _GAP / 2) * _COLUMNS_AN_INCH)
    for cell, caption in enumerate(captions):
        row, column = divmod(cell, columns)
        left, top = _GAP + column * wide, _GAP + row * tall
        place = (left / size[0], 1 - (top + down) / size[1], across / size[0], down / size[1])
        axes = figure.add_axes(place)
        axes.set_axis_off()
        some = images[cell * each : (cell + 1) * each]
        axes.imshow(_joined(some), interpolation="none", aspect="auto")
        for number, line in enumerate(caption):
            figure.text(
                left / size[0],
                1 - (top + down + 0.05 + number * _LINE) / size[1],
                shortened(shown(line), letters),
                fontsize=_FONT_SIZE,
                va="top",
            )
    return figure


def _joined(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images side by side, transparent between them: uint8 ``[H, W', 4]``."""
    count, height, width, channels = images.shape
    colour = images if channels >= 3 else np.repeat(images[..., :1], 3, axis=3)
    if channels != 4:
        opaque = np.full((count, height, width, 1), 255, dtype=np.uint8)
        colour = np.concatenate([colour[..., :3], opaque], axis=3)
    gap = np.zeros((height, max(1, width // 24), 4), dtype=np.uint8)
    parts = [part for image in colour for part in (gap, image)]
    return np.concatenate(parts[1:], axis=1)
