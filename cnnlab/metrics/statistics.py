"""How sure a share of right answers is."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

from cnnlab.metrics.checks import checked_confidence, checked_count

__all__ = ["Interval", "clopper_pearson", "share_difference", "wilson_interval"]


class Interval(NamedTuple):
    """A two-sided confidence interval, of a share (0 to 1) or of a difference of two (-1 to 1)."""

    low: float
    high: float


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927) for ``successes`` out of ``n`` independent trials.

    It holds its level well from small ``n`` on and never leaves 0 to 1. It says how far the
    share may be off because these ``n`` images, and no others, were scored; it says nothing
    about training again with another seed.
    """
    successes, n = _checked_trials(successes, n)
    z = NormalDist().inv_cdf((1 + checked_confidence(confidence)) / 2)
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    # At the ends the formula is exactly 0 or 1; rounding would miss it by 1e-17.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Clopper and Pearson's interval (1934): never below its level, so wider than Wilson's."""
    from scipy.special import betaincinv

    successes, n = _checked_trials(successes, n)
    tail = (1 - checked_confidence(confidence)) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Interval(low, high)


def share_difference(first: tuple[int, int], second: tuple[int, int]) -> Interval:
    """95% interval of the first share minus the second, each ``(successes, n)`` of other images.

    Newcombe's (1998) method 10, from the Wilson intervals of the two shares.
    """
    a, b = first[0] / first[1], second[0] / second[1]
    of_a, of_b = wilson_interval(*first), wilson_interval(*second)
    below = math.hypot(a - of_a.low, of_b.high - b)
    above = math.hypot(of_a.high - a, b - of_b.low)
    return Interval(a - b - below, a - b + above)


def _checked_trials(successes: int, n: int) -> tuple[int, int]:
    n = checked_count(n, name="n", low=1)
    return checked_count(successes, name="successes", low=0, high=n), n
