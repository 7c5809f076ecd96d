"""From a curve of losses over rising learning rates to a rate: the rules, pure functions.

``rates`` (float64 ``[K]``) rise by the same factor each; ``smoothed`` (float64 ``[K]``) is the loss
without the noise of single batches, see :func:`smooth`. Each rule gives a rate, or None where the
curve does not have what it looks for.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RULES", "SUGGESTION", "Rule", "Smoother", "foot", "noise_hides", "smooth"]

Curve = NDArray[np.float64]

#: Shares of all steps, so that averages are as wide in decades of the rate however many steps
#: there are; and so many steps at least.
_REACH_SHARE, _REACH_LEAST = 0.05, 2.0
_WIDTH_SHARE, _WIDTH_LEAST = 0.03, 1.0
#: This share of the steps up to the lowest loss, and so many at least, say where it started.
_START_SHARE, _START_LEAST = 0.25, 3
_FOOT = 0.8


class Smoother:
    """Moving average with exponential weights that sum to 1 from the first value on.

    That is the bias correction of Kingma and Ba (Adam, 2015). ``steps`` is the length of the whole
    series.
    """

    def __init__(self, steps: int) -> None:
        self._keep = 1 - 1 / max(_REACH_LEAST, _REACH_SHARE * steps)
        self._sum = self._weight = 0.0

    def add(self, value: float) -> float:
        """Take in a value; return the average."""
        self._sum = self._keep * self._sum + (1 - self._keep) * value
        self._weight = self._keep * self._weight + (1 - self._keep)
        return self._sum / self._weight


def smooth(losses: Curve, steps: int) -> Curve:
    """Each step's loss averaged with those beside it, weighted by a Gaussian; float64 ``[K]``.

    A moving average of what came before lags behind by its reach, so rates read from it come out
    several times too high; one that reaches far back from a loss that blew up hides the lowest.
    """
    if not len(losses):
        return losses
    width = _width(steps)
    offsets = np.arange(-int(4 * width), int(4 * width) + 1)
    weights = np.exp(-0.5 * (offsets / width) ** 2)
    middle = slice(len(offsets) // 2, len(offsets) // 2 + len(losses))
    total = np.convolve(losses, weights)[middle]
    return np.asarray(total / np.convolve(np.ones(len(losses)), weights)[middle])


def _width(steps: int) -> float:
    """The Gaussian's standard deviation, in steps."""
    return max(_WIDTH_LEAST, _WIDTH_SHARE * steps)


def _fall(smoothed: Curve) -> tuple[float, int]:
    """How far the loss fell from where it started, and the index at which it is lowest."""
    lowest = int(smoothed.argmin())
    first = max(int(_START_SHARE * lowest), _START_LEAST)
    return float(smoothed[:first].mean() - smoothed[lowest]), lowest


def foot(rates: Curve, smoothed: Curve) -> float | None:
    """The rate at which four fifths of the fall to the lowest loss are done, for good."""
    fall, lowest = _fall(smoothed)
    if fall <= 0 or lowest < _START_LEAST:
        return None
    above = np.flatnonzero(smoothed[: lowest + 1] > smoothed[lowest] + (1 - _FOOT) * fall)
    return float(rates[above[-1] + 1]) if len(above) else None


def noise_hides(losses: Curve, smoothed: Curve, steps: int) -> bool:
    """Whether the fall is less than five standard errors of the smoothed loss.

    The lowest of so many averages lies three below the others by chance alone.
    """
    fall, lowest = _fall(smoothed)
    deviation = float((losses - smoothed)[: lowest + 1].std())
    independent = 2 * math.sqrt(math.pi) * _width(steps)  # that many values make up each average
    return bool(fall < 5 * deviation / math.sqrt(independent))


def _minimum(rates: Curve, smoothed: Curve) -> float | None:
    lowest = int(smoothed.argmin())
    return float(rates[lowest] / 10) if lowest >= _START_LEAST else None


def _steepest(rates: Curve, smoothed: Curve) -> float | None:
    """Up to the lowest loss: what blew up before falls faster still when it comes back."""
    lowest = int(smoothed.argmin())
    if lowest < _START_LEAST:
        return None
    slopes = np.diff(smoothed[: lowest + 1]) / np.diff(np.log(rates[: lowest + 1]))
    return float(rates[int(slopes.argmin())])


def _valley(rates: Curve, smoothed: Curve) -> float | None:
    """The middle of the longest falling subsequence, taken as fastai does: as if in one piece."""
    tails: list[float] = []
    longest, end = 1, 0
    for index, loss in enumerate(smoothed.tolist()):
        length = bisect_left(tails, -loss)
        tails[length : length + 1] = [-loss]
        if length + 1 > longest:
            longest, end = length + 1, index
    if longest <= _START_LEAST:
        return None
    third = longest / 3
    return float(rates[end - longest + int(third) + int(third / 2)])


@dataclass(frozen=True)
class Rule:
    """A rule and what it takes, in a few words."""

    find: Callable[[Curve, Curve], float | None]
    meaning: str


#: The rule whose rate is suggested: docs/results/log.md says how the others did.
SUGGESTION = "foot"

#: The others are fastai's (callback/schedule.py of version 2), which reads them from a moving
#: average that lags behind: there they come out higher.
RULES: Mapping[str, Rule] = {
    "foot": Rule(foot, "four fifths of the way down to the lowest loss"),
    "valley": Rule(_valley, "halfway down the longest fall of the loss"),
    "steep": Rule(_steepest, "where the loss falls fastest on its way to the lowest"),
    "minimum": Rule(_minimum, "a tenth of the rate with the lowest loss"),
}
