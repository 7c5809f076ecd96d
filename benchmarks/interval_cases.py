"""What is simulated: each case draws experiments from a known truth and counts how often it held.

A case gives, of many experiments, the share in which an interval held the truth ("covered") with
the shares in which it lay wholly above and below it, or the share in which a test said that there
is a difference ("rejected").
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
    clopper_pearson,
    holm,
    images_needed,
    improvement_probability,
    macro_f1,
    macro_intervals,
    paired_difference,
    seeds_needed,
    summarize,
    welch_difference,
    wilson_interval,
)
from cnnlab.metrics.paired import bootstrap_interval, compare_counts, mcnemar_p, score_interval
from cnnlab.models import report_figures

__all__ = ["ABOUT_95", "ABOUT_POWER", "AT_LEAST_95", "AT_MOST_5", "CASES", "Case", "Counted"]

ABOUT_95, AT_LEAST_95 = "94% to 96%", "at least 95%"
AT_MOST_5, ABOUT_POWER = "at most 5%", "about 80%"
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


@dataclass(frozen=True)
class Case:
    """One line of a table: which method, where, what it should reach."""

    section: str
    method: str
    setting: str
    goal: str
    simulate: Simulation


def _held(intervals: Sequence[Interval] | NDArray[np.float64], truth: float) -> Counted:
    ends = np.asarray(intervals)
    # What an exact end misses by a rounding, it does not miss.
    above, below = ends[:, 0] > truth + 1e-12, ends[:, 1] < truth - 1e-12
    return Counted(float(1 - (above | below).mean()), float(above.mean()), float(below.mean()))


def _share(interval: Callable[[int, int], Interval], n: int, p: float) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        counts, times = np.unique(rng.binomial(n, p, experiments), return_inverse=True)
        ends = np.array([interval(int(count), n) for count in counts])
        return _held(ends[times], p)

    return simulate


#: Right and wrong answers by class, which are taken for the truth: those of the report's model F
#: on test, and of a network that is wrong on one image in fifty.
_ANSWERS = {
    "as model F": np.array(report_figures()["models"]["model-f"]["test_confusion_matrix"]),
    "98% right": np.full((10, 10), 2) + np.diag([880] * 10),
}


def _macro(answers: str, n: int, which: int) -> Simulation:
    matrix = _ANSWERS[answers]
    truth = (macro_f1, balanced_accuracy)[which](matrix)

    def simulate(rng: Generator, experiments: int) -> Counted:
        return _held(_macro_ends(answers, n, experiments, int(rng.integers(2**32)))[which], truth)

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


_METHODS: dict[str, Callable[[int, int, int], Interval]] = {
    "paired bootstrap": bootstrap_interval,
    "score (Tango)": score_interval,
    "what compare gives": lambda a, b, n: compare_counts(a, b, n).interval,
}


def _paired(method: str, n: int, only_a: float, only_b: float) -> Simulation:
    interval = lru_cache(maxsize=None)(_METHODS[method])

    def simulate(rng: Generator, experiments: int) -> Counted:
        drawn = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=experiments)
        return _held([interval(int(a), int(b), n) for a, b, _ in drawn], only_a - only_b)

    return simulate


def _mcnemar(n: int, only_a: float, only_b: float) -> Simulation:
    test = lru_cache(maxsize=None)(mcnemar_p)

    def simulate(rng: Generator, experiments: int) -> Counted:
        drawn = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=experiments)
        return Counted(float(np.mean([test(int(a), int(b)) < 0.05 for a, b, _ in drawn])))

    return simulate


def _mcnemar_power(only_a: float, only_b: float) -> Simulation:
    n = images_needed(only_a - only_b, only_a + only_b)
    assert n is not None
    return _mcnemar(n, only_a, only_b)


def _equivalence(n: int, only_a: float, margin: float) -> Simulation:
    """The truth lies exactly on the margin, so each yes is an error."""
    only_b = only_a - margin
    yes = lru_cache(maxsize=None)(lambda a, b: compare_counts(a, b, n).equivalent(margin))

    def simulate(rng: Generator, experiments: int) -> Counted:
        drawn = rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], size=experiments)
        return Counted(float(np.mean([yes(int(a), int(b)) for a, b, _ in drawn])))

    return simulate


def _family(n: int, adjusted: bool) -> Simulation:
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


def _normal(rng: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return rng.normal(size=shape)


def _skewed(rng: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Mean 0; now and then a seed that does much worse."""
    return 1 - rng.exponential(size=shape)


Draw = Callable[[Generator, tuple[int, int]], NDArray[np.float64]]


def _mean(draw: Draw, n: int) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        found = [summarize(row).interval or (0.0, 0.0) for row in draw(rng, (experiments, n))]
        return _held(found, 0.0)

    return simulate


def _welch(n_a: int, n_b: int, spread: float) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        a, b = _normal(rng, (experiments, n_a)), spread * _normal(rng, (experiments, n_b))
        return _held([welch_difference(x, y).interval() for x, y in zip(a, b, strict=True)], 0.0)

    return simulate


def _paired_t(n: int, correlation: float) -> Simulation:
    def simulate(rng: Generator, experiments: int) -> Counted:
        shared = np.sqrt(correlation) * _normal(rng, (experiments, n))
        own = np.sqrt(1 - correlation)
        a, b = (shared + own * _normal(rng, (experiments, n)) for _ in range(2))
        return _held([paired_difference(x, y).interval() for x, y in zip(a, b, strict=True)], 0.0)

    return simulate


def _improvement(n: int, effect: float) -> Simulation:
    from scipy.stats import norm

    truth = float(norm.cdf(effect / np.sqrt(2)))

    def simulate(rng: Generator, experiments: int) -> Counted:
        a, b = _normal(rng, (experiments, n)) + effect, _normal(rng, (experiments, n))
        return _held([improvement_probability(x, y)[1] for x, y in zip(a, b, strict=True)], truth)

    return simulate


def _seed_power(effect: float, paired: bool) -> Simulation:
    """As many seeds as the formula asks for: how often does the test find the difference?"""
    n = seeds_needed(effect, 1.0, paired=paired)
    assert n is not None
    compare = paired_difference if paired else welch_difference
    own = 1 / np.sqrt(2) if paired else 1.0  # then a pair's difference has a deviation of 1

    def simulate(rng: Generator, experiments: int) -> Counted:
        a, b = (own * _normal(rng, (experiments, n)) for _ in range(2))
        found = [compare(x + effect, y).p_value < 0.05 for x, y in zip(a, b, strict=True)]
        return Counted(float(np.mean(found)))

    return simulate


def _shares() -> list[Case]:
    cases = []
    for name, interval, goal in (
        ("Wilson", wilson_interval, ABOUT_95),
        ("Clopper-Pearson", clopper_pearson, AT_LEAST_95),
    ):
        cases += [
            Case("shares", name, f"n = {n:,}, accuracy {p:g}", goal, _share(interval, n, p))
            for n in (20, 100, 1000, 10_000)
            for p in (0.5, 0.8, 0.95)
        ]
    return cases


def _means() -> list[Case]:
    return [
        Case(
            "classes", f"BCa, {name}", f"n = {n:,}, {answers}", ABOUT_95, _macro(answers, n, which)
        )
        for answers, n in (
            ("as model F", 100),
            ("98% right", 300),
            ("as model F", 1000),
        )
        for which, name in enumerate(("macro F1", "balanced accuracy"))
    ]


#: Images, and the shares of them that only a, or only b, gets right.
_TRUTHS = (
    (200, 0.005, 0.001),
    (200, 0.01, 0.01),
    (200, 0.05, 0.05),
    (1000, 0.01, 0.01),
    (1000, 0.02, 0.02),
    (1000, 0.12, 0.08),
    (10_000, 0.002, 0.001),
    (10_000, 0.06, 0.05),
)


def _differences() -> list[Case]:
    cases = [
        Case(
            "pairs",
            method,
            f"n = {n:,}, only a right {a:.1%}, only b {b:.1%}",
            ABOUT_95,
            _paired(method, n, a, b),
        )
        for method in _METHODS
        for n, a, b in _TRUTHS
    ]
    cases += [
        Case(
            "tests",
            "McNemar, no difference",
            f"n = {n:,}, {2 * p:.0%} differ",
            AT_MOST_5,
            _mcnemar(n, p, p),
        )
        for n, p in ((100, 0.05), (1000, 0.02), (10_000, 0.05), (10_000, 0.1))
    ]
    cases += [
        Case(
            "tests",
            "McNemar, as many images as said",
            f"only a right {a:.0%}, only b {b:.0%}",
            ABOUT_POWER,
            _mcnemar_power(a, b),
        )
        for a, b in ((0.12, 0.08), (0.06, 0.05))
    ]
    cases += [
        Case(
            "tests",
            "equivalence, truth on the margin",
            f"n = {n:,}, margin {100 * margin:g} points, only a right {a:.1%}",
            AT_MOST_5,
            _equivalence(n, a, margin),
        )
        for n, a, margin in ((1000, 0.03, 0.02), (10_000, 0.01, 0.005), (10_000, 0.05, 0.01))
    ]
    return cases + [
        Case(
            "tests",
            "six pairs of four equals, Holm" if adjusted else "the same without Holm",
            f"n = {n:,}",
            AT_MOST_5 if adjusted else "-",
            _family(n, adjusted),
        )
        for adjusted in (True, False)
        for n in (1000, 10_000)
    ]


def _over_seeds() -> list[Case]:
    cases = [
        Case("seeds", "t interval of a mean", f"{n} seeds, {name}", ABOUT_95, _mean(draw, n))
        for name, draw in (("normal", _normal), ("skewed", _skewed))
        for n in (3, 5, 10)
    ]
    cases += [
        Case(
            "seeds",
            "Welch, no difference",
            f"{n_a} and {n_b} seeds, spreads 1 and {spread:g}",
            ABOUT_95,
            _welch(n_a, n_b, spread),
        )
        for n_a, n_b, spread in ((3, 3, 1), (5, 5, 1), (5, 5, 3), (3, 10, 3), (10, 10, 1))
    ]
    cases += [
        Case(
            "seeds",
            "paired t, no difference",
            f"{n} seeds, correlation {r:g}",
            ABOUT_95,
            _paired_t(n, r),
        )
        for n, r in ((3, 0.0), (5, 0.0), (5, 0.5), (10, 0.5))
    ]
    cases += [
        Case(
            "seeds",
            "chance of improvement",
            f"{n} seeds each, {effect:g} deviations apart",
            ABOUT_95,
            _improvement(n, effect),
        )
        for n in (3, 5, 10)
        for effect in (0, 1, 2)
    ]
    return cases + [
        Case(
            "power",
            f"{'paired t' if paired else 'Welch'}, as many seeds as said",
            f"{effect:g} deviations apart: {seeds_needed(effect, 1.0, paired=paired)} seeds",
            ABOUT_POWER,
            _seed_power(effect, paired),
        )
        for paired in (False, True)
        for effect in (0.5, 1.0, 1.5, 3.0)
    ]


CASES = [*_shares(), *_means(), *_differences(), *_over_seeds()]
