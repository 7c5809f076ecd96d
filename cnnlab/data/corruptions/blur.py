"""Blur: out of focus, behind frosted glass, moving sideways, moving towards the thing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.corruptions.batch import Batch, Levels, as_levels
from cnnlab.data.corruptions.catalogue import corruption
from cnnlab.data.corruptions.warping import apply_map, mean_zoom, smeared

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["defocus_blur", "disk", "glass_blur", "motion_blur", "zoom_blur", "zoom_factors"]

#: Radius of the lens's disk, and sigma of the normal curve that softens its edge, in pixels.
DISKS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
#: Sigma in pixels, how far pixels are moved, how often.
GLASSES = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))
#: Radius and sigma in pixels.
MOTIONS = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))
#: The largest enlargement; steps are of 0.01.
ZOOMS = (1.06, 1.11, 1.16, 1.21, 1.26)

_EIGHTH = np.pi / 4


def disk(radius: float, softness: float) -> NDArray[np.float64]:
    """A disk of pixels whose edge is softened; its weights sum to 1.

    The softening reaches one pixel far up to a radius of 8 pixels, two above, as in the paper's
    program.
    """
    from scipy.ndimage import gaussian_filter

    reach = 1 if radius <= 8 else 2
    side = np.arange(-int(radius) - reach, int(radius) + reach + 1)
    hard = (side[:, None] ** 2 + side[None, :] ** 2 <= radius**2).astype(np.float64)
    soft: NDArray[np.float64] = gaussian_filter(hard, softness, radius=reach, mode="constant")
    return np.asarray(soft / soft.sum(), dtype=np.float64)


@corruption("defocus-blur", family="blur", title="Defocus blur")
def defocus_blur(batch: Batch, severity: int) -> Levels:
    """Spread every pixel over a disk; pixels outside mirror those inside."""
    from scipy.ndimage import correlate

    radius, softness = DISKS[severity - 1]
    kernel = disk(radius * batch.scale, softness * batch.scale)
    found = correlate(batch.levels, kernel[None, :, :, None], mode="mirror")
    return as_levels(found)


@corruption("glass-blur", family="blur", title="Glass blur")
def glass_blur(batch: Batch, severity: int) -> Levels:
    """Soften, let pixels trade places with near ones, soften again.

    The paper's program means to swap two pixels, but writes the first over the second before it
    reads it: each pixel takes the value of one up to ``reach`` pixels above and to the left (at
    ``reach`` 1). We do as it does, for CIFAR-10-C was made so. With larger images ``reach``
    grows, all pixels move at once, and some come from below and from the right.
    """
    sigma, reach, times = GLASSES[severity - 1]
    sigma, reach = sigma * batch.scale, round(reach * batch.scale)
    # The program keeps whole levels between its steps.
    levels = np.floor(_softened(batch.levels, sigma) * np.float32(255)) / np.float32(255)
    for turn in range(times):
        levels = _jostled(batch, levels, reach, turn)
    return _softened(levels, sigma)


def _softened(levels: Levels, sigma: float) -> Levels:
    from scipy.ndimage import gaussian_filter

    found = gaussian_filter(levels, (0, sigma, sigma, 0), mode="nearest")
    return as_levels(found)


def _jostled(batch: Batch, levels: Levels, reach: int, turn: int) -> Levels:
    """Let each pixel take the value of one near it, but for a margin that stays as it is."""
    count, height, width, channels = levels.shape
    drawn = batch.draws.uniform(turn, 2 * height * width, -reach, reach)
    steps = np.floor(drawn).astype(np.int64).reshape(count, 2, height, width)
    row, column = np.arange(height)[:, None], np.arange(width)[None, :]
    moved = (row > reach) & (row <= height - reach) & (column > reach) & (column <= width - reach)
    rows = np.clip(row + np.where(moved, steps[:, 0], 0), 0, height - 1)
    columns = np.clip(column + np.where(moved, steps[:, 1], 0), 0, width - 1)
    flat = levels.reshape(count * height * width, channels)
    starts = np.arange(count)[:, None, None] * (height * width)
    return as_levels(flat[starts + rows * width + columns])


@corruption("motion-blur", family="blur", title="Motion blur")
def motion_blur(batch: Batch, severity: int) -> Levels:
    """Draw the image out along a direction, up to an eighth of a turn off the horizontal."""
    radius, sigma = MOTIONS[severity - 1]
    angles = batch.draws.uniform(0, 1, -_EIGHTH, _EIGHTH)[:, 0]
    return smeared(batch.levels, radius * batch.scale, sigma * batch.scale, angles)


def zoom_factors(severity: int) -> NDArray[np.float64]:
    """The enlargements that are averaged, the image itself once more among them."""
    return np.append(1.0, np.arange(1, ZOOMS[severity - 1], 0.01))


@corruption("zoom-blur", family="blur", title="Zoom blur")
def zoom_blur(batch: Batch, severity: int) -> Levels:
    """Average enlargements of the middle; height and width are enlarged each by itself."""
    return apply_map(_zooms(*batch.size, severity), batch.levels)


@lru_cache(maxsize=8)
def _zooms(height: int, width: int, severity: int) -> csr_array:
    return mean_zoom(height, width, zoom_factors(severity).tolist())
