"""Drawing the images of ``shapes``: each is a pure function of the seed, its number and its class.

Background, small clutter, the shape, then noise. The arithmetic gives the same bytes on every
machine: random numbers are counted, and floating point is used with correctly rounded operations
on single elements only.
"""

from __future__ import annotations

from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.counters import fractions, random_bits
from cnnlab.data.shapes_outlines import OUTLINES, capsule

__all__ = ["SIDE", "covered", "draw"]

#: Images are so many pixels wide and high.
SIDE = 32

_BLOCK = 256  # images drawn together: a few MB of planes
_SMALLEST, _LARGEST = 6.0, 13.0  # the shape's radius in pixels
_CANDIDATES = 8
_CONTRAST = 60.0  # between the shape's colour and the background's, of 255
_CLUTTER = 4
_SOFTEST, _LOUDEST = 4.0, 28.0  # standard deviation of the noise, of 255
_NOISE_DEVIATION = 104.5  # of the sum of two bytes
_EIGHTH = 0.41421356237309503  # the tangent of an eighth of a half turn

Plane = NDArray[np.float64]


class Stream(IntEnum):
    """What a random number is for."""

    RADIUS = auto()
    COLUMN = auto()
    ROW = auto()
    TURN = auto()
    DETAIL = auto()
    GROUND = auto()
    SLOPE = auto()
    COLOUR = auto()
    CLUTTER = auto()
    LOUDNESS = auto()
    NOISE = auto()


class _Numbers:
    """The random numbers of a block of images, ``[B, 1, 1]`` each so that planes follow."""

    def __init__(self, seed: int, indices: NDArray[np.int64]) -> None:
        self._seed, self._indices = seed, indices[:, None, None]

    def between(self, low: float, high: float, *keys: int) -> Plane:
        """A number in [``low``, ``high``) an image."""
        return low + (high - low) * fractions(self._seed, self._indices, *keys)

    def colours(self, low: float, high: float, *keys: int) -> Plane:
        """A colour an image, ``[B, 1, 1, 3]``."""
        return np.stack([self.between(low, high, *keys, part) for part in range(3)], axis=-1)

    def direction(self, *keys: int) -> tuple[Plane, Plane]:
        """Cosine and sine of an angle: near enough to uniform, and without a cosine's rounding."""
        tangent = self.between(0.0, _EIGHTH, *keys, 0)
        whole = 1.0 + tangent * tangent
        near, far = (1.0 - tangent * tangent) / whole, (tangent + tangent) / whole
        octant = random_bits(self._seed, self._indices, *keys, 1)
        signs = [1.0 - 2.0 * _bit(octant, position) for position in (0, 1)]
        swapped = _bit(octant, 2) > 0
        return signs[0] * np.where(swapped, far, near), signs[1] * np.where(swapped, near, far)

    def noise(self) -> Plane:
        """``[B, 32, 32, 3]`` of standard deviation 1: the sums of two bytes."""
        pixels = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
        bits = random_bits(self._seed, self._indices, Stream.NOISE, pixels)
        sums = [_byte(bits, 2 * part) + _byte(bits, 2 * part + 1) for part in range(3)]
        return (np.stack(sums, axis=-1) - 255.0) / _NOISE_DEVIATION


def _bit(bits: NDArray[np.uint64], position: int) -> Plane:
    return ((bits >> np.uint64(position)) & np.uint64(1)).astype(np.float64)


def _byte(bits: NDArray[np.uint64], position: int) -> Plane:
    return ((bits >> np.uint64(8 * position)) & np.uint64(255)).astype(np.float64)


def draw(
    seed: int, indices: NDArray[np.int64], labels: NDArray[np.int64], images: NDArray[np.uint8]
) -> None:
    """Draw the images with the given numbers and classes into uint8 ``[N, 32, 32, 3]``."""
    for start in range(0, len(indices), _BLOCK):
        part = slice(start, start + _BLOCK)
        images[part] = _drawn(_Numbers(seed, indices[part]), labels[part])


def covered(seed: int, indices: NDArray[np.int64], labels: NDArray[np.int64]) -> Plane:
    """The share of each pixel that the shape covers, ``[N, 32, 32]``, of what :func:`draw` draws.

    It takes some 100 kB an image.
    """
    return _cover(_Numbers(seed, indices), labels, *_pixels())


def _pixels() -> tuple[Plane, Plane]:
    """Column and row of the middle of each pixel."""
    column, row = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    return column, row


def _drawn(numbers: _Numbers, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    column, row = _pixels()
    first, last, ground = _background(numbers, column, row)
    picture = _with_clutter(numbers, ground, (first + last) / 2.0, column, row)
    colour = _contrasting(numbers, first, last)
    picture = picture + _cover(numbers, labels, column, row)[..., None] * (colour - picture)
    loudness = numbers.between(_SOFTEST, _LOUDEST, Stream.LOUDNESS)[..., None]
    noisy = picture + loudness * numbers.noise()
    return np.clip(np.floor(noisy + 0.5), 0.0, 255.0).astype(np.uint8)


def _background(numbers: _Numbers, column: Plane, row: Plane) -> tuple[Plane, Plane, Plane]:
    """The two end colours, ``[B, 1, 1, 3]``, and the slope between them, ``[B, 32, 32, 3]``."""
    first = numbers.colours(20.0, 235.0, Stream.GROUND, 0)
    last = first + numbers.colours(-40.0, 40.0, Stream.GROUND, 1)
    across, down = numbers.direction(Stream.SLOPE)
    middle = SIDE / 2.0
    share = ((column - middle) * across + (row - middle) * down) / (2.0 * SIDE) + 0.5
    return first, last, first + share[..., None] * (last - first)


def _contrasting(numbers: _Numbers, first: Plane, last: Plane) -> Plane:
    """The first of some colours that stands out from both ends, or the one that does best."""
    candidates = [
        numbers.colours(0.0, 255.0, Stream.COLOUR, number) for number in range(_CANDIDATES)
    ]
    contrasts = [np.minimum(_contrast(c, first), _contrast(c, last)) for c in candidates]
    best, best_contrast = candidates[-1], contrasts[-1]
    for colour, contrast in zip(candidates[-2::-1], contrasts[-2::-1], strict=True):
        better = (contrast >= _CONTRAST) | (contrast > best_contrast) & (best_contrast < _CONTRAST)
        best = np.where(better[..., None], colour, best)
        best_contrast = np.where(better, contrast, best_contrast)
    return best


def _contrast(one: Plane, other: Plane) -> Plane:
    """How far two colours are apart: a mean over red, green and blue as eyes weigh them."""
    difference = one - other
    red, green, blue = (difference[..., part] for part in range(3))
    return np.sqrt((2.0 * red * red + 4.0 * green * green + blue * blue) / 7.0)


def _with_clutter(
    numbers: _Numbers, ground: Plane, middle: Plane, column: Plane, row: Plane
) -> Plane:
    """Some strokes and dots, too small to be taken for a shape."""
    picture = ground
    for number in range(_CLUTTER):
        keys = (Stream.CLUTTER, number)
        there = numbers.between(0.0, 1.0, *keys, 0) < 0.5
        across, down = numbers.direction(*keys, 1)
        right = column - numbers.between(0.0, SIDE, *keys, 2)
        below = row - numbers.between(0.0, SIDE, *keys, 3)
        stroke = capsule(
            right * across + below * down,
            below * across - right * down,
            np.maximum(numbers.between(-2.0, 4.0, *keys, 4), 0.0),
            numbers.between(0.7, 1.6, *keys, 5),
        )
        colour = (middle + numbers.colours(0.0, 255.0, *keys, 6)) / 2.0
        share = np.where(there, np.clip(0.5 - stroke, 0.0, 1.0), 0.0)
        picture = picture + share[..., None] * (colour - picture)
    return picture


def _cover(numbers: _Numbers, labels: NDArray[np.int64], column: Plane, row: Plane) -> Plane:
    """The share of each pixel that the shape covers, ``[B, 32, 32]``."""
    radius = numbers.between(_SMALLEST, _LARGEST, Stream.RADIUS)
    across, down = numbers.direction(Stream.TURN)
    room = SIDE - 2.0 * radius
    right = (column - radius - room * numbers.between(0.0, 1.0, Stream.COLUMN)) / radius
    below = (row - radius - room * numbers.between(0.0, 1.0, Stream.ROW)) / radius
    u, v = right * across + below * down, below * across - right * down
    detail = numbers.between(0.0, 1.0, Stream.DETAIL)
    distance = np.empty_like(u)
    for label, outline in enumerate(OUTLINES.values()):
        chosen = labels == label
        if chosen.any():
            distance[chosen] = outline(u[chosen], v[chosen], detail[chosen])
    return np.clip(0.5 - distance * radius, 0.0, 1.0)
