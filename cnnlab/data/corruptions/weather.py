"""Weather: snow, frost on the lens, fog, a sky too bright."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.data.corruptions.batch import Batch, Levels, as_levels
from cnnlab.data.corruptions.catalogue import corruption
from cnnlab.data.corruptions.frost_sheets import SHEETS, frost_sheet
from cnnlab.data.corruptions.warping import apply_map, mean_zoom, smeared

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["brightness", "fog", "frost", "plasma", "snow"]

#: Mean and deviation of the flakes, their size, the least brightness that is one, radius and sigma
#: of their fall in pixels, and the share of the image that is not whitened.
SNOWS = (
    (0.1, 0.2, 1.0, 0.6, 8, 3, 0.95),
    (0.1, 0.2, 1.0, 0.5, 10, 4, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
)
#: Share of the image, share of the frost.
FROSTS = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))
#: How thick, and how much smaller waves of half the length are.
FOGS = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))
#: Added to the value of hue, saturation and value.
BRIGHTER = (0.05, 0.1, 0.15, 0.2, 0.3)

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_QUARTER = np.pi / 2


def _grey(levels: Levels) -> Levels:
    """Brightness ``[N, H, W, 1]`` of colours as television weighs them (ITU-R BT.601)."""
    if levels.shape[3] == 1:
        return levels
    return as_levels(levels @ _LUMA)[..., None]


@corruption("snow", family="weather", title="Snow")
def snow(batch: Batch, severity: int) -> Levels:
    """Whiten the image and let drawn flakes fall over it, and the same ones upside down.

    Flakes are the bright part of normal noise, enlarged, drawn out downwards. With larger images
    both grow. Grey images take their own level for brightness.
    """
    mean, deviation, size, least, radius, sigma, share = SNOWS[severity - 1]
    height, width = batch.size
    drawn = batch.draws.normal(0, height * width).reshape(-1, height, width, 1)
    enlargement = size * batch.scale
    noise = np.float32(mean) + np.float32(deviation) * drawn
    flakes = apply_map(_enlarged(height, width, enlargement), noise)
    flakes = np.clip(np.where(flakes < least, np.float32(0), flakes), 0, 1)
    angles = batch.draws.uniform(1, 1, -1.5 * _QUARTER, -0.5 * _QUARTER)[:, 0]
    fallen = smeared(flakes, radius * batch.scale, sigma * batch.scale, angles)
    levels = batch.levels
    white = np.maximum(levels, 1.5 * _grey(levels) + 0.5)
    whitened = np.float32(share) * levels + np.float32(1 - share) * white
    return as_levels(whitened + fallen + fallen[:, ::-1, ::-1])


@lru_cache(maxsize=8)
def _enlarged(height: int, width: int, factor: float) -> csr_array:
    return mean_zoom(height, width, [factor])


@corruption("frost", family="weather", title="Frost (drawn)")
def frost(batch: Batch, severity: int) -> Levels:
    """Lay a piece of frost over the image.

    The paper takes photographs of frozen panes, which we do not have: ours are drawn, to the same
    mean colour, deviation and coarseness (``frost_sheets.py``). Figures for frost compare with
    each other, and only roughly with published ones.
    """
    of_image, of_frost = FROSTS[severity - 1]
    height, width = batch.size
    places = batch.draws.uniform(0, 3, 0, 1)
    sheets = (places[:, 0] * SHEETS).astype(np.int64)
    found = np.float32(of_image) * batch.levels
    for number in np.unique(sheets):
        mine = np.flatnonzero(sheets == number)
        sheet = frost_sheet(int(number), height, width)
        windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width), axis=(0, 1))
        top, left = (
            (places[mine, axis + 1] * windows.shape[axis]).astype(np.int64) for axis in (0, 1)
        )
        pieces = windows[top, left].transpose(0, 2, 3, 1)
        colours = pieces if batch.images.shape[3] == 3 else _grey(pieces)
        found[mine] += np.float32(of_frost) * colours
    return found


@corruption("fog", family="weather", title="Fog")
def fog(batch: Batch, severity: int) -> Levels:
    """Add a cloud, and darken so that the brightest value stays where it was."""
    thickness, decay = FOGS[severity - 1]
    height, width = batch.size
    side = max(2, 1 << (max(height, width) - 1).bit_length())
    cloud = plasma(batch, side, decay)[:, :height, :width, None]
    brightest = batch.levels.max(axis=(1, 2, 3), keepdims=True)
    foggy = batch.levels + np.float32(thickness) * cloud
    return as_levels(foggy * (brightest / (brightest + np.float32(thickness))))


def plasma(batch: Batch, side: int, decay: float) -> Levels:
    """A cloud a batch's image, ``[N, side, side]`` from 0 to 1, whose borders fit together.

    Midpoint displacement (A. Fournier, D. Fussell, L. Carpenter, CACM 1982): the middles of
    squares, then of their sides, are the mean of four neighbours and a random number, whose range
    shrinks by ``decay`` squared from one length to the half of it. ``side`` is a power of 2.
    """
    cloud = np.zeros((len(batch.images), side, side), dtype=np.float32)
    step, spread, turn = side, 100.0, 0
    while step > 1:
        half, cells = step // 2, side // step
        drawn = batch.draws.uniform(turn, 3 * cells * cells, -(spread**2), spread**2)
        middles, sides, tops = drawn.reshape(-1, 3, cells, cells).swapaxes(0, 1)
        corners = cloud[:, ::step, ::step]
        right, below = np.roll(corners, -1, axis=2), np.roll(corners, -1, axis=1)
        inner = (corners + right + below + np.roll(right, -1, axis=1)) / 4 + middles
        cloud[:, half::step, half::step] = inner
        cloud[:, ::step, half::step] = (corners + right + inner + np.roll(inner, 1, 1)) / 4 + tops
        cloud[:, half::step, ::step] = (corners + below + inner + np.roll(inner, 1, 2)) / 4 + sides
        step, spread, turn = half, spread / decay, turn + 1
    cloud -= cloud.min(axis=(1, 2), keepdims=True)
    return as_levels(cloud / cloud.max(axis=(1, 2), keepdims=True))


@corruption("brightness", family="weather", title="Brightness")
def brightness(batch: Batch, severity: int) -> Levels:
    """Raise the value of hue, saturation and value, up to 1.

    With hue and saturation unchanged all channels grow by one factor; black, which has neither,
    becomes grey.
    """
    more = np.float32(BRIGHTER[severity - 1])
    value = batch.levels.max(axis=3, keepdims=True)
    brighter = np.minimum(value + more, np.float32(1))
    factor = brighter / np.where(value > 0, value, np.float32(1))
    return as_levels(np.where(value > 0, batch.levels * factor, brighter))
