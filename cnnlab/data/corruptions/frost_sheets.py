"""Sheets of frost, drawn: a misty ground, ferns of ice, grain.

Colours, deviations and coarseness are those of the five photographs that the paper's program cuts
its frost from, measured at the size at which it uses them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cnnlab.data.corruptions.batch import Levels, as_levels
from cnnlab.data.counters import fractions

__all__ = ["SHEETS", "frost_sheet"]


class _Look(NamedTuple):
    """Mean of red, green and blue, and the deviation around it, in levels of 255."""

    colour: tuple[int, int, int]
    deviation: float


_LOOKS = (
    _Look((78, 149, 166), 18),
    _Look((201, 205, 214), 20),
    _Look((201, 205, 214), 20),
    _Look((138, 153, 166), 29),
    _Look((112, 123, 135), 40),
)
#: How many sheets there are.
SHEETS = len(_LOOKS)

_KEY = 0xF2057
#: A sheet's side in pixels of an image of 32, and how many times finer it is drawn.
_SIDE, _FINER = 160, 4
_FERNS, _TWIGS = 60, 22
_SIXTH = math.pi / 3


@lru_cache(maxsize=4 * SHEETS)
def frost_sheet(number: int, height: int, width: int) -> Levels:
    """A square sheet ``[S, S, 3]``, 0 to 1, for images of a size; it holds many of them.

    What is drawn is the same for every size; lines grow with the image's shorter side from 32
    pixels on.
    """
    from PIL import Image

    scale = max(1.0, min(height, width) / 32)
    side = max(round(_SIDE * scale), max(height, width) + round(32 * scale))
    drawn = Image.fromarray(_drawn(number))
    fitted = drawn.resize((side, side), Image.Resampling.BILINEAR)
    texture = np.asarray(fitted, dtype=np.float32)
    look = _LOOKS[number]
    pattern = (texture - texture.mean()) / texture.std() * np.float32(look.deviation)
    colours = np.array(look.colour, dtype=np.float32) + pattern[..., None]
    return as_levels(np.clip(colours / np.float32(255), 0, 1))


@lru_cache(maxsize=SHEETS)
def _drawn(number: int) -> Levels:
    """The pattern at its finest, ``[S, S]``, in arbitrary units."""
    from scipy.ndimage import gaussian_filter

    fine = _SIDE * _FINER
    mist = _standard(gaussian_filter(_noise(number, 0, fine), 9 * _FINER, mode="wrap"))
    ripples = _standard(gaussian_filter(_noise(number, 1, fine), 2.2 * _FINER, mode="wrap"))
    grain = _standard(gaussian_filter(_noise(number, 2, fine), 0.45 * _FINER, mode="wrap"))
    ferns = _standard(gaussian_filter(_ferns(number, fine), 0.25 * _FINER, mode="wrap"))
    # Frost grows in patches: where there is more mist the ferns are whiter.
    return as_levels(0.55 * mist + 0.35 * ripples + 0.5 * grain + (0.75 + 0.25 * mist) * ferns)


def _noise(number: int, layer: int, side: int) -> Levels:
    drawn = fractions(_KEY, number, layer, np.arange(side * side)) - 0.5
    return drawn.reshape(side, side).astype(np.float32)


def _standard(pattern: Levels) -> Levels:
    return as_levels((pattern - pattern.mean()) / pattern.std())


def _ferns(number: int, side: int) -> Levels:
    """Stems in all directions, with twigs a sixth of a turn off to both sides, ever shorter."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    for x, y, turn, size, light in fractions(
        _KEY, number, 3, np.arange(_FERNS)[:, None], np.arange(5)[None, :]
    ).tolist():
        angle = 2 * math.pi * turn
        length = side * (0.1 + 0.25 * size)
        shade = 110 + int(145 * light)
        start = (side * x, side * y)
        pen.line([start, _ahead(start, angle, length)], fill=shade, width=_FINER)
        for twig in range(_TWIGS):
            along = (twig + 0.5) / _TWIGS
            foot = _ahead(start, angle, along * length)
            reach = 0.45 * length * (1 - along)
            for bend in (-_SIXTH, _SIXTH):
                tip = _ahead(foot, angle + bend, reach)
                pen.line([foot, tip], fill=shade, width=_FINER // 2)
    return np.asarray(canvas, dtype=np.float32)


def _ahead(start: tuple[float, float], angle: float, length: float) -> tuple[float, float]:
    return start[0] + length * math.cos(angle), start[1] + length * math.sin(angle)
