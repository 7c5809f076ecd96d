"""Simulations of intervals and tests: experiments drawn from a known truth, counted.

Each function gives one that draws as many experiments as it is asked for, and says in which share
of them an interval held the truth, or a test spoke.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cnnlab.metrics import (
    balanced_accuracy,
    holm,
    images_needed,
    improvement_probability,
    macro_f1,
    macro_intervals,
    paired_difference,
    seeds_needed,
    summarize,
    welch_difference,
)
from cnnlab.metrics.paired import bootstrap_interval, compare_counts, mcnemar_p, score_interval
from cnnlab.models import report_figures

__all__ = [
    "MACRO_RESAMPLES",
    "METHODS",
    "Counted",
    "Interval",
    "Simulation",
    "equivalence",
    "family",
    "held",
    "improvement",
    "macro",
    "mcnemar",
    "mcnemar_power",
    "mean",
    "normal",
    "paired",
    "paired_t",
    "seed_power",
    "share",
    "skewed",
    "welch",
]

#: In the simulation of bootstraps that take long; cnnlab draws 4,000.
MACRO_RESAMPLES = 500

Interval = tuple[float, float]


@dataclass(frozen=True)
class Counted:
    """Shares of the experiments: interval held the truth, was above it, below it; or test spoke."""

    share: float
    above: float | None = None
    below: float | None = None


Simulation = Callable[[Generator, int], Counted]


def held(intervals: Sequence[Interval] | NDArray[np.float64], truth: float) -> Counted:
    ends = np.asarray(intervals)
    # What an exact end misses by a rounding, it does not miss.
    above, below = ends[:, 0] > truth + 1e-12, ends[:, 1] < truth - 1e-12
    return Counted(float(1 - (above | below).mean()), float(above.mean()), float(below.mean()))


def share(interval: Callable[[int, int], Interval], n: int, p: float) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        counts, times = np.unique(rng.binomial(n, p, experiments), return_inverse=True)
        ends = np.array([interval(int(count), n) for count in counts])
        return held(ends[times], p)

    return simulate


#: Right and wrong answers by class, which are taken for the truth: those of the report's model F
#: on test, and of a network that is wrong on one image in fifty.
_ANSWERS = {
    "as model F": np.array(report_figures()["models"]["model-f"]["test_confusion_matrix"]),
    "98% right": np.full((10, 10), 2) + np.diag([880] * 10),
}


def macro(answers: str, n: int, which: int) -> Simulation:
    matrix = _ANSWERS[answers]
    truth = (macro_f1, balanced_accuracy)[which](matrix)

    def simulate(rng: Generator, experiments: int) -> Counted:
        return held(_macro_ends(answers, n, experiments, int(rng.integers(2**32)))[which], truth)

    return simulate


@lru_cache(maxsize=1)
def _macro_ends(answers: str, n: int, experiments: int, seed: int) -> list[list[Interval]]:
    """The intervals of both means over classes, of the same experiments."""
    matrix, rng = _ANSWERS[answers], np.random.default_rng(seed)
    found: list[list[Interval]] = [[], []]
    for drawn in rng.multinomial(n, (matrix / matrix.sum()).ravel(), size=experiments):
        both = macro_intervals(
            drawn.reshape(matrix.shape),
            resamples=MACRO_RESAMPLES,
            seed=int(rng.integers(2**32)),
        )
        for intervals, interval in zip(found, both, strict=True):
            intervals.append(interval)
    return found


METHODS: dict[str, Callable[[int, int, int], Interval]] = {
    "paired bootstrap": bootstrap_interval,
    "score (Tango)": score_interval,
    "what compare gives": lambda a, b, n: compare_counts(a, b, n).interval,
}


def paired(method: str, n: int, only_a: float, only_b: float) -> Simulation:
    interval = lru_cache(maxsize=None)(METHODS[method])

    def simulate(rng: Generator, experiments: int) -> Counted:
        drawn = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=experiments)
        return held([interval(int(a), int(b), n) for a, b, _ in drawn], only_a - only_b)

    return simulate


def mcnemar(n: int, only_a: float, only_b: float) -> Simulation:
    test = lru_cache(maxsize=None)(mcnemar_p)

    def simulate(rng: Generator, experiments: int) -> Counted:
        drawn = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=experiments)
        return Counted(float(np.mean([test(int(a), int(b)) < 0.05 for a, b, _ in drawn])))

    return simulate


def mcnemar_power(only_a: float, only_b: float) -> Simulation:
    n = images_needed(only_a - only_b, only_a + only_b)
    assert n is not None
    return mcnemar(n, only_a, only_b)


def equivalence(n: int, only_a: float, margin: float) -> Simulation:
    """The truth lies exactly on the margin, so each yes is an error."""
    only_b = only_a - margin
    yes = lru_cache(maxsize=None)(lambda a, b: compare_counts(a, b, n).equivalent(margin))

    def simulate(rng: Generator, experiments: int) -> Counted:
        drawn = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=experiments)
        return Counted(float(np.mean([yes(int(a), int(b)) for a, b, _ in drawn])))

    return simulate


def family(n: int, adjusted: bool) -> Simulation:
    """Four equally good networks, six pairs: is any pair called different?

    An image's difficulty, the share of networks that get it right, is drawn from Beta(4, 1), so
    the networks err on the same images more often than not.
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)
    right, density = (nodes + 1) / 2, weights / 2 * 4 * ((nodes + 1) / 2) ** 3
    patterns = np.array([[bit >> i & 1 for i in range(4)] for bit in range(16)])
    shares = np.array(
        [float((density * right ** p.sum() * (1 - right) ** (4 - p.sum())).sum()) for p in patterns]
    )
    test = lru_cache(maxsize=None)(mcnemar_p)
    pairs = [
        (patterns[:, i] > patterns[:, j], patterns[:, j] > patterns[:, i])
        for i in range(4)
        for j in range(i)
    ]

    def simulate(rng: Generator, experiments: int) -> Counted:
        wrong = 0
        for drawn in rng.multinomial(n, shares / shares.sum(), size=experiments):
            p_values = [test(int(drawn[a].sum()), int(drawn[b].sum())) for a, b in pairs]
            wrong += min(holm(p_values) if adjusted else p_values) < 0.05
        return Counted(wrong / experiments)

    return simulate


def normal(rng: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return rng.normal(size=shape)


def skewed(rng: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Mean 0; now and then a seed that does much worse."""
    return 1 - rng.exponential(size=shape)


Draw = Callable[[Generator, tuple[int, int]], NDArray[np.float64]]


def mean(draw: Draw, n: int) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        found = [summarize(row).interval or (0.0, 0.0) for row in draw(rng, (experiments, n))]
        return held(found, 0.0)

    return simulate


def welch(n_a: int, n_b: int, spread: float) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        a, b = normal(rng, (experiments, n_a)), spread * normal(rng, (experiments, n_b))
        return held([welch_difference(x, y).interval() for x, y in zip(a, b, strict=True)], 0.0)

    return simulate


def paired_t(n: int, correlation: float) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        shared = np.sqrt(correlation) * normal(rng, (experiments, n))
        own = np.sqrt(1 - correlation)
        a, b = (shared + own * normal(rng, (experiments, n)) for _ in range(2))
        return held([paired_difference(x, y).interval() for x, y in zip(a, b, strict=True)], 0.0)

    return simulate


def improvement(n: int, effect: float) -> Simulation:
    from scipy.stats import norm

    truth = float(norm.cdf(effect / np.sqrt(2)))

    def simulate(rng: Generator, experiments: int) -> Counted:
        a, b = normal(rng, (experiments, n)) + effect, normal(rng, (experiments, n))
        return held([improvement_probability(x, y)[1] for x, y in zip(a, b, strict=True)], truth)

    return simulate


def seed_power(effect: float, paired: bool) -> Simulation:
    """As many seeds as the formula asks for: how often does the test find the difference?"""
    n = seeds_needed(effect, 1.0, paired=paired)
    assert n is not None
    compare = paired_difference if paired else welch_difference
    own = 1 / np.sqrt(2) if paired else 1.0  # then a pair's difference has a deviation of 1

    def simulate(rng: Generator, experiments: int) -> Counted:
        a, b = (own * normal(rng, (experiments, n)) for _ in range(2))
        found = [compare(x + effect, y).p_value < 0.05 for x, y in zip(a, b, strict=True)]
        return Counted(float(np.mean(found)))

    return simulate
