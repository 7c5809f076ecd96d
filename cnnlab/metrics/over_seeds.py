"""Figures over several seeds: how sure a difference between two settings is.

These intervals are over trainings, for images that stay the same; those over images are in
:mod:`cnnlab.metrics.statistics` and :mod:`cnnlab.metrics.paired`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from cnnlab.errors import InputError
from cnnlab.metrics.checks import checked_confidence

__all__ = ["Difference", "paired_t"]


class Difference(NamedTuple):
    """A mean difference with its interval and two-sided p-value."""

    mean: float
    low: float
    high: float
    p_value: float


def paired_t(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95
) -> Difference:
    """First minus second, pair by pair, by Student's t (1908) with n - 1 degrees of freedom.

    Pairs are trainings that share seed and split; two pairs at least. Differences that are all
    the same have an interval of no width, and a p-value of 0 (1 where they are 0). Raises
    :class:`InputError` for other lengths.
    """
    from scipy.stats import t

    n = len(first)
    if n != len(second) or n < 2:
        raise InputError(f"{n} and {len(second)} figures", expected="pairs, two at least")
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean, error = fmean(differences), stdev(differences) / math.sqrt(n)
    if error == 0:
        return Difference(mean, mean, mean, float(mean == 0))
    half = float(t.ppf((1 + checked_confidence(confidence)) / 2, n - 1)) * error
    p_value = 2 * float(t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - half, mean + half, p_value)
