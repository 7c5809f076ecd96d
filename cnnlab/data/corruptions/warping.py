"""Moving pixels: zooms as linear maps, streaks along a direction, sampling between pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.corruptions.batch import Levels, as_levels

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["apply_map", "mean_zoom", "sampled", "smeared"]

#: Weights of a streak below this share of the heaviest do not move a level.
_LEAST_WEIGHT = 1e-5


def _zoomed_axis(pixels: int, factor: float) -> csr_array:
    """What the middle of a row of pixels, enlarged, takes from which pixel: ``[pixels, pixels]``.

    The crop is the least that fills the row when it is enlarged; its first and last pixels become
    the first and last of the enlarged row, what is between is linear, and what is too much is cut
    off on both sides.
    """
    from scipy.sparse import csr_array

    crop = math.ceil(pixels / factor)
    enlarged = max(round(crop * factor), pixels)
    at = np.arange(pixels) + (enlarged - pixels) // 2
    places = (pixels - crop) // 2 + at * (crop - 1) / max(enlarged - 1, 1)
    left = np.minimum(places.astype(np.int64), pixels - 1)
    right = np.minimum(left + 1, pixels - 1)
    share = places - left
    rows = np.arange(pixels)
    weights = np.concatenate([1 - share, share])
    where = (np.concatenate([rows, rows]), np.concatenate([left, right]))
    return csr_array((weights, where), shape=(pixels, pixels))


def mean_zoom(height: int, width: int, factors: Sequence[float]) -> csr_array:
    """The mean of an image's enlargements, as a map of its pixels: ``[H * W, H * W]``, float32."""
    from scipy.sparse import csr_array, kron

    total = sum(
        csr_array(kron(_zoomed_axis(height, factor), _zoomed_axis(width, factor)))
        for factor in factors
    )
    return csr_array(total / len(factors), dtype=np.float32)


def apply_map(pixels: csr_array, levels: Levels) -> Levels:
    """Apply a map of pixels to ``[N, H, W, C]``, each image and channel by itself."""
    count, height, width, channels = levels.shape
    columns = levels.transpose(1, 2, 0, 3).reshape(height * width, count * channels)
    mapped = pixels @ columns
    shaped = mapped.reshape(height, width, count, channels).transpose(2, 0, 1, 3)
    return np.ascontiguousarray(shaped, dtype=np.float32)


def smeared(levels: Levels, radius: float, sigma: float, angles: NDArray[np.float64]) -> Levels:
    """Draw each image ``[N, H, W, C]`` out along its own direction, as a moving camera does.

    Half a normal curve of ``sigma`` pixels, cut off at twice ``radius`` pixels, lies along the
    direction; each weight takes the nearest pixel, and pixels outside repeat the border. This is
    what ImageMagick's motion blur computes, but for its rounding to 16 bits.

    Parameters
    ----------
    angles: ``[N]`` in radians; 0 takes from the right, a quarter turn from below.
    """
    distances = np.arange(2 * math.ceil(radius) + 1)
    weights = np.exp(-(distances**2) / (2 * sigma**2))
    distances = distances[weights > _LEAST_WEIGHT]
    weights = weights[weights > _LEAST_WEIGHT]
    weights /= weights.sum()
    # With directions in order, neighbours take from the same place: whole runs move at once.
    order = np.argsort(angles, kind="stable")
    reach = int(distances[-1])
    margin = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = np.pad(levels[order], margin, mode="edge")
    _, height, width, _ = levels.shape
    total = np.zeros_like(levels)
    for distance, weight in zip(distances, weights.astype(np.float32), strict=True):
        right = np.ceil(distance * np.cos(angles[order]) - 0.5).astype(np.int64) + reach
        down = np.ceil(distance * np.sin(angles[order]) - 0.5).astype(np.int64) + reach
        for first, last in _runs(right, down):
            top, left = int(down[first]), int(right[first])
            moved = padded[first:last, top : top + height, left : left + width]
            total[first:last] += weight * moved
    found = np.empty_like(total)
    found[order] = total
    return found


def _runs(*keys: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Beginning and end of each stretch over which no key changes."""
    changes = np.any([np.diff(key) != 0 for key in keys], axis=0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(keys[0])]
    return list(pairwise(edges))


def sampled(
    levels: Levels, rows: NDArray[np.float64], columns: NDArray[np.float64], *, repeat_edge: bool
) -> Levels:
    """Take each image ``[N, H, W, C]`` at places ``[N, H, W]`` between its pixels, bilinearly.

    Outside, the image is mirrored; ``repeat_edge``: with its outermost pixels twice.
    """
    count, height, width, channels = levels.shape
    top, left = np.floor(rows), np.floor(columns)
    down = (rows - top).astype(np.float32)[..., None]
    right = (columns - left).astype(np.float32)[..., None]
    flat = levels.reshape(count * height * width, channels)
    starts = np.arange(count)[:, None, None] * (height * width)

    def at(row: NDArray[np.float64], column: NDArray[np.float64]) -> Levels:
        inside = _folded(row, height, repeat_edge) * width + _folded(column, width, repeat_edge)
        return as_levels(flat[starts + inside])

    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return as_levels((1 - down) * upper + down * lower)


def _folded(places: NDArray[np.float64], pixels: int, repeat_edge: bool) -> NDArray[np.int64]:
    """Mirror whole places outside a row of pixels back into it."""
    whole = places.astype(np.int64)
    period = 2 * pixels if repeat_edge else max(2 * (pixels - 1), 1)
    last = period - 1 if repeat_edge else period
    within = whole % period
    return np.minimum(np.minimum(within, last - within), pixels - 1)
