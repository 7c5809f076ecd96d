"""Two classifiers on the same images: how far apart, and whether that can be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.statistics import Interval

__all__ = ["PairedComparison", "compare_paired", "holm"]

_RESAMPLES = 10_000


@dataclass(frozen=True)
class PairedComparison:
    """Accuracy of a minus accuracy of b on the same images.

    Attributes
    ----------
    difference: -1 to 1.
    interval: 95% percentile bootstrap over images (10,000 resamples, fixed seed).
    p_value: McNemar's exact test (1947; two-sided binomial over the images on which just one of
        the two is right).
    only_a, only_b: images that just a, or just b, gets right.
    n: images compared.
    """

    difference: float
    interval: Interval
    p_value: float
    only_a: int
    only_b: int
    n: int


def compare_paired(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> PairedComparison:
    """Compare two classifiers from which images each got right, bool ``[N]``, same order."""
    from scipy.stats import binomtest

    if right_a.shape != right_b.shape or right_a.ndim != 1 or not len(right_a):
        raise InputError(
            f"answers of shapes {right_a.shape} and {right_b.shape}",
            expected="the same images, at least one",
        )
    n = len(right_a)
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    # Resampling images with replacement draws the counts of (only a, only b, neither or both)
    # from a multinomial: the same bootstrap without touching single images.
    shares = [only_a / n, only_b / n, 1 - (only_a + only_b) / n]
    counts = np.random.default_rng(0).multinomial(n, shares, size=_RESAMPLES)
    low, high = np.quantile((counts[:, 0] - counts[:, 1]) / n, [0.025, 0.975])
    discordant = only_a + only_b
    p_value = float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0
    return PairedComparison(
        difference=(only_a - only_b) / n,
        interval=Interval(float(low), float(high)),
        p_value=p_value,
        only_a=only_a,
        only_b=only_b,
        n=n,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's step-down method (1979), in their order.

    Calling those below a level real then errs, over all of them together, no more often than
    that level says. Raises :class:`InputError` for what is no probability.
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise InputError(f"p-values {list(p_values)}", expected="numbers from 0 to 1")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted
