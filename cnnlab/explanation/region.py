"""The part of a heat map that matters most, as a box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "important_region"]

#: A pixel belongs to the region with so much of the largest value.
_SHARE = 0.5
_WORDS = (("top", "left"), ("", ""), ("bottom", "right"))


class Box(NamedTuple):
    """Pixels from ``left`` and ``top`` up to, not including, ``right`` and ``bottom``."""

    left: int
    top: int
    right: int
    bottom: int

    def where(self, height: int, width: int) -> str:
        """In words: which third of the image its middle lies in, "top left" or "middle"."""
        row = 3 * (self.top + self.bottom) // (2 * height)
        column = 3 * (self.left + self.right) // (2 * width)
        words = [word for word in (_WORDS[min(row, 2)][0], _WORDS[min(column, 2)][1]) if word]
        return " ".join(words) or "middle"


def important_region(heat: NDArray[np.floating]) -> Box | None:
    """The box around the part of ``heat`` ``[H, W]`` that holds its largest value.

    A part is what hangs together (corners count) of the pixels with at least half of that value.
    None where nothing is above zero.
    """
    from scipy.ndimage import find_objects, label

    highest = float(heat.max())
    if highest <= 0:
        return None
    parts, _ = label(heat >= _SHARE * highest, structure=np.ones((3, 3)))
    number = parts[np.unravel_index(int(heat.argmax()), heat.shape)]
    rows, columns = find_objects(parts)[number - 1]
    return Box(columns.start, rows.start, columns.stop, rows.stop)
