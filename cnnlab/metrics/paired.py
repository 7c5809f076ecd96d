"""Two classifiers on the same images: how far apart, and whether that can be chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.checks import checked_confidence, checked_count
from cnnlab.metrics.statistics import Interval

__all__ = [
    "FEWEST_DISCORDANT",
    "PairedComparison",
    "bootstrap_interval",
    "compare_counts",
    "compare_paired",
    "holm",
    "holm_levels",
    "mcnemar_p",
    "score_interval",
]

_RESAMPLES = 10_000
_HALVINGS = 50
#: With fewer images on which just one of the two is right the score interval stands in for the
#: bootstrap's, which has no width where there is none (docs/results/statistics.md).
FEWEST_DISCORDANT = 25


@dataclass(frozen=True)
class PairedComparison:
    """Accuracy of a minus accuracy of b on the same images.

    Attributes
    ----------
    difference: -1 to 1.
    interval: 95%; by ``method``, "paired bootstrap" or "score".
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
    method: str

    def equivalence_interval(self) -> Interval:
        """The 90% score interval: inside ±margin it shows equivalence with 5% error.

        That is the two one-sided tests of Schuirmann (1987), each Nam's score test for paired
        shares (1997). With no image on which they differ it still has a width.
        """
        return score_interval(self.only_a, self.only_b, self.n, 0.90)

    def equivalence_p(self, margin: float) -> float:
        """The larger p of the two one-sided tests: of a difference of ``margin`` or more."""
        above = _score(self.only_a, self.only_b, self.n, margin)
        below = _score(self.only_a, self.only_b, self.n, -margin)
        return NormalDist().cdf(max(above, -below))

    def equivalent(self, margin: float) -> bool:
        """Whether the accuracies are shown to lie less than ``margin`` (a share) apart."""
        low, high = self.equivalence_interval()
        return -margin < low and high < margin


def compare_paired(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> PairedComparison:
    """Compare two classifiers from which images each got right, bool ``[N]``, same order."""
    if right_a.shape != right_b.shape or right_a.ndim != 1 or not len(right_a):
        raise InputError(
            f"answers of shapes {right_a.shape} and {right_b.shape}",
            expected="the same images, at least one",
        )
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    return compare_counts(only_a, only_b, len(right_a))


def compare_counts(only_a: int, only_b: int, n: int) -> PairedComparison:
    """Compare two classifiers that are alone in being right on so many of ``n`` images."""
    only_a, only_b, n = _checked(only_a, only_b, n)
    enough = only_a + only_b >= FEWEST_DISCORDANT
    make = bootstrap_interval if enough else score_interval
    return PairedComparison(
        difference=(only_a - only_b) / n,
        interval=make(only_a, only_b, n),
        p_value=mcnemar_p(only_a, only_b),
        only_a=only_a,
        only_b=only_b,
        n=n,
        method="paired bootstrap" if enough else "score",
    )


def _checked(only_a: int, only_b: int, n: int) -> tuple[int, int, int]:
    n = checked_count(n, name="n", low=1)
    only_a = checked_count(only_a, name="only_a", low=0, high=n)
    return only_a, checked_count(only_b, name="only_b", low=0, high=n - only_a), n


def mcnemar_p(only_a: int, only_b: int) -> float:
    """McNemar's exact p-value: is each of the two alone in being right equally often?"""
    from scipy.stats import binomtest

    discordant = only_a + only_b
    return float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0


def bootstrap_interval(
    only_a: int, only_b: int, n: int, confidence: float = 0.95, *, resamples: int = _RESAMPLES
) -> Interval:
    """Percentile interval of the difference over images drawn anew (Efron, 1979), fixed seed.

    Resampling images with replacement draws the counts of (only a, only b, neither or both)
    from a multinomial: the same bootstrap without touching single images.
    """
    only_a, only_b, n = _checked(only_a, only_b, n)
    tail = (1 - checked_confidence(confidence)) / 2
    shares = [only_a / n, only_b / n, 1 - (only_a + only_b) / n]
    counts = np.random.default_rng(0).multinomial(n, shares, size=resamples)
    low, high = np.quantile((counts[:, 0] - counts[:, 1]) / n, [tail, 1 - tail])
    return Interval(float(low), float(high))


def score_interval(only_a: int, only_b: int, n: int, confidence: float = 0.95) -> Interval:
    """Tango's score interval (1998) of the difference of two paired shares.

    It holds its level with few images, and has a width even where the two never differ. Its ends
    are the differences that the score test just does not reject, found by halving.
    """
    only_a, only_b, n = _checked(only_a, only_b, n)
    z = NormalDist().inv_cdf((1 + checked_confidence(confidence)) / 2)
    difference = (only_a - only_b) / n

    def end(limit: float, quantile: float) -> float:
        near, far = difference, limit
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            if abs(_score(only_a, only_b, n, middle)) <= quantile:
                near = middle
            else:
                far = middle
        return near

    return Interval(end(-1.0, z), end(1.0, z))


def _score(only_a: int, only_b: int, n: int, difference: float) -> float:
    """Tango's statistic: how many standard errors the data are from a true ``difference``.

    The share that only b gets right is the likeliest one under that difference, the positive
    root of a quadratic equation.
    """
    linear = -only_a - only_b + (2 * n - only_a + only_b) * difference
    constant = -only_b * difference * (1 - difference)
    root = math.sqrt(max(linear * linear - 8 * n * constant, 0.0))
    share_b = (root - linear) / (4 * n)
    variance = n * (2 * share_b + difference * (1 - difference))
    gap = only_a - only_b - n * difference
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def holm_levels(p_values: Sequence[float], level: float) -> list[float]:
    """What each p-value is held against by Holm's method, in their order: the smallest against
    ``level`` by their number, the next one by one less, and so on."""
    ranked = sorted(range(len(p_values)), key=lambda i: p_values[i])
    rank = {index: place for place, index in enumerate(ranked)}
    return [level / (len(p_values) - rank[index]) for index in range(len(p_values))]


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
