"""From values to pixels, with marks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Axis", "linear_axis", "log_axis"]

#: A span of this share of the values is none: marks within it would be noise.
_FLAT = 1e-6
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes
    ----------
    label: what it is of, with the unit.
    low, high: the values at its ends; of a logarithmic one both above 0.
    start, end: the pixels there.
    ticks: values that are marked, and what is written there.
    """

    label: str
    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value, to a hundredth."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(max(value, low / 10)), math.log(low), math.log(high)
        share = (value - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 2)


def _step(span: float, most: int, *, whole: bool) -> float:
    """The smallest round step that needs no more than ``most`` marks."""
    rough = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    return max(1.0, math.ceil(step)) if whole else step


def linear_axis(
    label: str,
    values: Sequence[float],
    pixels: tuple[float, float],
    *,
    low: float | None = None,
    high: float | None = None,
    most: int = 6,
    whole: bool = False,
) -> Axis:
    """An axis that holds all ``values``; ``low`` and ``high`` fix its ends.

    ``whole``: marks stand at whole numbers only.
    """
    known = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    bottom = min(known) if low is None else low
    top = max(known) if high is None else high
    if top - bottom <= _FLAT * max(abs(bottom), abs(top), _FLAT):
        bottom, top = bottom - 0.5, top + 0.5
    step = _step(top - bottom, most, whole=whole)
    bottom = math.floor(bottom / step + 1e-9) * step if low is None else low
    top = math.ceil(top / step - 1e-9) * step if high is None else high
    first = math.ceil(bottom / step - 1e-9)
    marks = [k * step for k in range(first, math.floor(top / step + 1e-9) + 1)]
    return Axis(label, bottom, top, *pixels, tuple((mark, _text(mark, step)) for mark in marks))


def log_axis(label: str, values: Sequence[float], pixels: tuple[float, float]) -> Axis:
    """An axis of powers of ten for positive values; others lie at its lower end."""
    known = [v for v in values if math.isfinite(v) and v > 0] or [0.1, 1.0]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    high = max(high, low + 1)
    every = max(1, math.ceil((high - low) / 6))
    ticks = tuple((10.0**p, f"{10.0**p:g}") for p in range(low, high + 1, every))
    return Axis(label, 10.0**low, 10.0**high, *pixels, ticks, logarithmic=True)


def _text(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, decimals) != step:  # 2.5, 0.25
        decimals += 1
    return f"{value + 0.0:,.{decimals}f}" if abs(value) < 1e6 else f"{value:g}"
