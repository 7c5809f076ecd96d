"""What is simulated: each case draws experiments from a known truth and counts how often it held.

A case gives, of many experiments, the share in which an interval held the truth ("covered") with
the shares in which it lay wholly above and below it, or the share in which a test said that there
is a difference ("rejected").
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnlab.metrics import (
    clopper_pearson,
    seeds_needed,
    wilson_interval,
)
from simulations.experiments import (
    METHODS,
    Counted,
    Simulation,
    equivalence,
    family,
    improvement,
    macro,
    mcnemar,
    mcnemar_power,
    mean,
    normal,
    paired,
    paired_t,
    seed_power,
    share,
    skewed,
    welch,
)

__all__ = ["ABOUT_95", "ABOUT_POWER", "AT_LEAST_95", "AT_MOST_5", "CASES", "Case", "Counted"]

ABOUT_95, AT_LEAST_95 = "94% to 96%", "at least 95%"
AT_MOST_5, ABOUT_POWER = "at most 5%", "about 80%"


@dataclass(frozen=True)
class Case:
    """One line of a table: which method, where, what it should reach."""

    section: str
    method: str
    setting: str
    goal: str
    simulate: Simulation


def _shares() -> list[Case]:
    cases = []
    for name, interval, goal in (
        ("Wilson", wilson_interval, ABOUT_95),
        ("Clopper-Pearson", clopper_pearson, AT_LEAST_95),
    ):
        cases += [
            Case("shares", name, f"n = {n:,}, accuracy {p:g}", goal, share(interval, n, p))
            for n in (20, 100, 1000, 10_000)
            for p in (0.5, 0.8, 0.95)
        ]
    return cases


def _means() -> list[Case]:
    return [
        Case("classes", f"BCa, {name}", f"n = {n:,}, {answers}", ABOUT_95, macro(answers, n, which))
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
            paired(method, n, a, b),
        )
        for method in METHODS
        for n, a, b in _TRUTHS
    ]
    cases += [
        Case(
            "tests",
            "McNemar, no difference",
            f"n = {n:,}, {2 * p:.0%} differ",
            AT_MOST_5,
            mcnemar(n, p, p),
        )
        for n, p in ((100, 0.05), (1000, 0.02), (10_000, 0.05), (10_000, 0.1))
    ]
    cases += [
        Case(
            "tests",
            "McNemar, as many images as said",
            f"only a right {a:.0%}, only b {b:.0%}",
            ABOUT_POWER,
            mcnemar_power(a, b),
        )
        for a, b in ((0.12, 0.08), (0.06, 0.05))
    ]
    cases += [
        Case(
            "tests",
            "equivalence, truth on the margin",
            f"n = {n:,}, margin {100 * margin:g} points, only a right {a:.1%}",
            AT_MOST_5,
            equivalence(n, a, margin),
        )
        for n, a, margin in ((1000, 0.03, 0.02), (10_000, 0.01, 0.005), (10_000, 0.05, 0.01))
    ]
    return cases + [
        Case(
            "tests",
            "six pairs of four equals, Holm" if adjusted else "the same without Holm",
            f"n = {n:,}",
            AT_MOST_5 if adjusted else "-",
            family(n, adjusted),
        )
        for adjusted in (True, False)
        for n in (1000, 10_000)
    ]


def _over_seeds() -> list[Case]:
    cases = [
        Case("seeds", "t interval of a mean", f"{n} seeds, {name}", ABOUT_95, mean(draw, n))
        for name, draw in (("normal", normal), ("skewed", skewed))
        for n in (3, 5, 10)
    ]
    cases += [
        Case(
            "seeds",
            "Welch, no difference",
            f"{n_a} and {n_b} seeds, spreads 1 and {spread:g}",
            ABOUT_95,
            welch(n_a, n_b, spread),
        )
        for n_a, n_b, spread in ((3, 3, 1), (5, 5, 1), (5, 5, 3), (3, 10, 3), (10, 10, 1))
    ]
    cases += [
        Case(
            "seeds",
            "paired t, no difference",
            f"{n} seeds, correlation {r:g}",
            ABOUT_95,
            paired_t(n, r),
        )
        for n, r in ((3, 0.0), (5, 0.0), (5, 0.5), (10, 0.5))
    ]
    cases += [
        Case(
            "seeds",
            "chance of improvement",
            f"{n} seeds each, {effect:g} deviations apart",
            ABOUT_95,
            improvement(n, effect),
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
            seed_power(effect, paired),
        )
        for paired in (False, True)
        for effect in (0.5, 1.0, 1.5, 3.0)
    ]


CASES = [*_shares(), *_means(), *_differences(), *_over_seeds()]
