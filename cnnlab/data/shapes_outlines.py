"""The outlines of the ten shapes: how far a point is from the border.

A point is ``(u, v)``, arrays in units of the shape's radius; ``detail`` in [0, 1) varies its
proportions. Each function returns the distance to the border, negative inside, in the same unit;
it is exact near the border, which is all that smooth edges need (I. Quilez, "2D distance
functions"). Only ``+ - * /``, square roots and comparisons are used: these are rounded the same
way on every machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["OUTLINES", "capsule"]

Plane = NDArray[np.float64]
Outline = Callable[[Plane, Plane, Plane], Plane]

_HALF_ROOT_3 = 0.8660254037844386
#: Normals of a regular pentagon's sides: cosine and sine of 90, 162, 234, 306 and 18 degrees.
_FIVE = (
    (0.0, 1.0),
    (-0.9510565162951535, 0.3090169943749474),
    (-0.5877852522924731, -0.8090169943749475),
    (0.5877852522924731, -0.8090169943749475),
    (0.9510565162951535, 0.3090169943749474),
)
#: The inner lines of a five-pointed star lie at this share of its radius.
_STAR_LINES = 0.3090169943749474


def _length(u: Plane, v: Plane) -> Plane:
    return np.sqrt(u * u + v * v)


def _box(u: Plane, v: Plane, width: Plane | float, height: Plane | float) -> Plane:
    return np.maximum(np.abs(u) - width, np.abs(v) - height)


def capsule(u: Plane, v: Plane, half_length: Plane, radius: Plane) -> Plane:
    """A stroke along ``u`` with round ends."""
    return _length(np.maximum(np.abs(u) - half_length, 0.0), v) - radius


def _circle(u: Plane, v: Plane, detail: Plane) -> Plane:
    return _length(u, v) - (0.85 + 0.1 * detail)


def _square(u: Plane, v: Plane, detail: Plane) -> Plane:
    side = 0.72 + 0.06 * detail
    return _box(u, v, side, side)


def _triangle(u: Plane, v: Plane, detail: Plane) -> Plane:
    sides = np.maximum(-v, np.abs(u) * _HALF_ROOT_3 + v * 0.5)
    return sides - (0.52 + 0.04 * detail)


def _rectangle(u: Plane, v: Plane, detail: Plane) -> Plane:
    return _box(u, v, 0.95, 0.38 + 0.12 * detail)


def _ellipse(u: Plane, v: Plane, detail: Plane) -> Plane:
    height = 0.42 + 0.12 * detail
    level = _length(u, v / height)
    slope = _length(u, v / (height * height))
    return level * (level - 1.0) / np.maximum(slope, 1e-9)


def _star(u: Plane, v: Plane, detail: Plane) -> Plane:
    """Inside of at least four of the five lines."""
    beyond = np.sort(np.stack([u * x + v * y for x, y in _FIVE]), axis=0)
    fourth: Plane = beyond[-2]
    return fourth - _STAR_LINES * (1.02 + 0.1 * detail)


def _cross(u: Plane, v: Plane, detail: Plane) -> Plane:
    arm = 0.24 + 0.1 * detail
    return np.minimum(_box(u, v, 0.95, arm), _box(u, v, arm, 0.95))


def _ring(u: Plane, v: Plane, detail: Plane) -> Plane:
    return np.abs(_length(u, v) - 0.72) - (0.2 + 0.05 * detail)


def _crescent(u: Plane, v: Plane, detail: Plane) -> Plane:
    bite = _length(u - (0.52 + 0.1 * detail), v) - 0.8
    return np.maximum(_length(u, v) - 1.0, -bite)


def _heart(u: Plane, v: Plane, detail: Plane) -> Plane:
    """A square standing on its corner, and a half disc on each of its upper sides."""
    half = 0.5 + 0.04 * detail
    u, v = u + 0.17, v + 0.17
    discs = np.minimum(_length(u, v - half), _length(u - half, v)) - half
    return np.minimum(_box(u, v, half, half), discs)


#: By class name, in label order.
OUTLINES: dict[str, Outline] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "rectangle": _rectangle,
    "ellipse": _ellipse,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
    "crescent": _crescent,
    "heart": _heart,
}
