"""A recipe trained with several seeds: its mean, and whether another's differs.

Where values are accuracies on ``images`` images they are multiples of 1 / images, and trainings
that happen to agree to the image must not pass for ones that never vary: rounding alone gives a
standard deviation of 1 / (images * 12**0.5), and no smaller one is taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.checks import checked_confidence
from cnnlab.metrics.statistics import Interval

__all__ = [
    "MeanDifference",
    "SeedSummary",
    "difference_by_seed",
    "improvement_probability",
    "paired_difference",
    "pooled_difference",
    "summarize",
    "welch_difference",
]

_HALVINGS = 60
#: Below so many trainings the normal distribution is too sure of the share of won pairs.
_FEW = 5


@dataclass(frozen=True)
class SeedSummary:
    """What several trainings of one recipe give.

    Attributes
    ----------
    n: trainings.
    mean: of the accuracies.
    deviation: their standard deviation (divided by n - 1); None for one training.
    interval: 95% t interval of the mean, cut off where no value can be; None for one training.
    """

    n: int
    mean: float
    deviation: float | None
    interval: Interval | None


def summarize(
    values: Sequence[float],
    confidence: float = 0.95,
    *,
    images: int | None = None,
    most: float = 1.0,
) -> SeedSummary:
    """Mean, standard deviation and Student's t interval (1908) of one accuracy a training.

    ``images``: on how many they were measured. ``most``: the largest value there can be; a loss
    has none. No accuracy lies beyond 0 or 1, so neither does the interval: of two or three
    trainings it would, and what is cut off could not have held the mean.
    """
    sample = _checked(values, fewest=1)
    if len(sample) == 1:
        return SeedSummary(1, float(sample[0]), None, None)
    deviation = float(sample.std(ddof=1))
    error = max(deviation, _rounding(images)) / math.sqrt(len(sample))
    mean = MeanDifference(float(sample.mean()), error, len(sample) - 1.0, "t", deviation)
    low, high = mean.interval(confidence)
    interval = Interval(max(low, 0.0), min(high, most))
    return SeedSummary(len(sample), mean.value, deviation, interval)


@dataclass(frozen=True)
class MeanDifference:
    """A difference of two means with what a t test needs.

    Attributes
    ----------
    value: mean of a minus mean of b.
    error: its standard error.
    freedom: degrees of freedom.
    method: which t.
    deviation: what the seeds-needed formula takes: the standard deviation of a pair's difference,
        or of one training where seeds have no partner.
    """

    value: float
    error: float
    freedom: float
    method: str
    deviation: float

    def interval(self, confidence: float = 0.95) -> Interval:
        """The two-sided t interval."""
        from scipy.special import stdtrit

        quantile = float(stdtrit(self.freedom, (1 + checked_confidence(confidence)) / 2))
        return Interval(self.value - quantile * self.error, self.value + quantile * self.error)

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference at all."""
        return min(1.0, 2 * self._tail(abs(self.value)))

    def equivalence_p(self, margin: float) -> float:
        """Two one-sided tests (Schuirmann, 1987): p of a difference of ``margin`` or more."""
        return self._tail(margin - abs(self.value))

    def within(self, margin: float) -> bool | None:
        """Whether the means are less than ``margin`` apart; None where neither is shown.

        A yes needs p < 0.05 in both one-sided tests, a no a 95% interval that lies outside whole.
        """
        if self.equivalence_p(margin) < 0.05:
            return True
        low, high = self.interval()
        return False if low > margin or high < -margin else None

    def _tail(self, distance: float) -> float:
        """The chance of an estimate so far beyond the truth."""
        from scipy.special import stdtr

        if self.error == 0:  # trainings that never vary: any difference is one
            return 0.5 if distance == 0 else 0.0 if distance > 0 else 1.0
        return float(stdtr(self.freedom, -distance / self.error))


def welch_difference(
    a: Sequence[float], b: Sequence[float], *, images: int | None = None
) -> MeanDifference:
    """Mean of ``a`` minus that of ``b``, without assuming that both vary alike (Welch, 1947)."""
    first, second = _checked(a, fewest=2), _checked(b, fewest=2)
    shares = [_error(sample) ** 2 for sample in (first, second)]
    parts = [s**2 / (len(x) - 1) for s, x in zip(shares, (first, second), strict=True)]
    whole, free = sum(shares), len(first) + len(second) - 2.0
    variance = (first.var(ddof=1) + second.var(ddof=1)) / 2
    least = _rounding(images)
    return MeanDifference(
        value=float(first.mean() - second.mean()),
        error=max(math.sqrt(whole), least * math.sqrt(1 / len(first) + 1 / len(second))),
        freedom=whole**2 / sum(parts) if sum(parts) > 0 else free,
        method="Welch's t",
        deviation=max(math.sqrt(variance), least),
    )


def paired_difference(
    a: Sequence[float], b: Sequence[float], *, images: int | None = None
) -> MeanDifference:
    """Mean of ``a`` minus that of ``b``, where ``a[i]`` and ``b[i]`` share seed and split."""
    first, second = _checked(a, fewest=2), _checked(b, fewest=2)
    if len(first) != len(second):
        raise InputError(f"{len(first)} and {len(second)} values", expected="pairs")
    apart = first - second
    deviation = max(float(apart.std(ddof=1)), _rounding(images) * math.sqrt(2))
    return MeanDifference(
        value=float(apart.mean()),
        error=deviation / math.sqrt(len(apart)),
        freedom=len(apart) - 1.0,
        method="paired t",
        deviation=deviation,
    )


def difference_by_seed(
    a: Mapping[int, float], b: Mapping[int, float], *, images: int | None = None
) -> MeanDifference | None:
    """:func:`paired_difference` over the seeds that both have; None for fewer than two."""
    shared = sorted(a.keys() & b.keys())
    if len(shared) < 2:
        return None
    return paired_difference(*([side[seed] for seed in shared] for side in (a, b)), images=images)


def pooled_difference(
    a: Sequence[float], b: Sequence[float], *, images: int | None = None
) -> MeanDifference:
    """Mean of ``a`` minus that of ``b``, if both vary alike (Student, 1908).

    The one that can be asked where a side was trained once: the other says how much seeds matter.
    """
    first, second = _checked(a, fewest=1), _checked(b, fewest=1)
    freedom = len(first) + len(second) - 2
    if freedom < 1:
        raise InputError("one training each", expected="two or more of one of them")
    squares = sum(float(((x - x.mean()) ** 2).sum()) for x in (first, second))
    deviation = max(math.sqrt(squares / freedom), _rounding(images))
    return MeanDifference(
        value=float(first.mean() - second.mean()),
        error=deviation * math.sqrt(1 / len(first) + 1 / len(second)),
        freedom=float(freedom),
        method="pooled t",
        deviation=deviation,
    )


def improvement_probability(
    a: Sequence[float], b: Sequence[float], confidence: float = 0.95
) -> tuple[float, Interval]:
    """The chance that a training of ``a`` is better than one of ``b``; a tie counts one half.

    The estimate is Mann and Whitney's (1947) share of won pairs; the interval is Newcombe's
    fifth method (2006), which has a width even where every pair is won. With fewer than five
    trainings of one of them it would be too narrow (docs/results/statistics.md); there Student's
    t takes the place of the normal distribution.
    """
    from scipy.special import stdtrit

    first, second = _checked(a, fewest=1), _checked(b, fewest=1)
    wins = np.sign(first[:, None] - second[None, :])
    share = float((wins.mean() + 1) / 2)
    level = (1 + checked_confidence(confidence)) / 2
    few, freedom = min(len(first), len(second)) < _FEW, len(first) + len(second) - 2
    z = float(stdtrit(max(freedom, 1), level)) if few else NormalDist().inv_cdf(level)

    def end(limit: float) -> float:
        near, far = share, limit
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            spread = _win_variance(middle, len(first), len(second))
            if (share - middle) ** 2 <= z * z * spread:
                near = middle
            else:
                far = middle
        return near

    return share, Interval(end(0.0), end(1.0))


def _win_variance(share: float, n_a: int, n_b: int) -> float:
    """Hanley and McNeil's variance (1982) of the share of won pairs, at a true share."""
    other = (n_a + n_b) / 2 - 1
    spread = 1 + other * ((1 - share) / (2 - share) + share / (1 + share))
    return share * (1 - share) * spread / (n_a * n_b)


def _rounding(images: int | None) -> float:
    """The standard deviation that rounding to one of so many images gives; 0 without a number."""
    return 0.0 if images is None else 1 / (images * math.sqrt(12))


def _error(sample: NDArray[np.float64]) -> float:
    return float(sample.std(ddof=1)) / math.sqrt(len(sample))


def _checked(values: Sequence[float], *, fewest: int) -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < fewest or not np.isfinite(sample).all():
        raise InputError(f"values {list(values)}", expected=f"finite numbers, {fewest} or more")
    return sample
