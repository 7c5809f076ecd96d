"""What can be said of two runs, or two recipes, in words; never a ranking inside the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnnlab.evaluation.compare.recipes import RecipeComparison
from cnnlab.metrics import (
    LEVEL,
    Interval,
    PairedComparison,
    holm,
    holm_levels,
    images_needed,
)

__all__ = ["Adjusted", "Result", "adjusted_for", "needed_for", "verdict_of"]

Result = PairedComparison | RecipeComparison


@dataclass(frozen=True)
class Adjusted:
    """What a pair's result counts for among ``pairs`` of them, by Holm's method.

    Attributes
    ----------
    p_value: of no difference, adjusted.
    level: what the p-value as it is was held against.
    margin: what counts as equivalent, a share; None where nothing does.
    equivalence_p: of a difference of the margin or more, adjusted; 1 without a margin.
    """

    pairs: int
    p_value: float
    level: float
    margin: float | None
    equivalence_p: float


def adjusted_for(results: Sequence[Result], margin: float | None) -> list[Adjusted]:
    """Adjust differences, and equivalences, for their number."""
    p_values = [result.p_value for result in results]
    apart = [1.0 if margin is None else result.equivalence_p(margin) for result in results]
    columns = holm(p_values), holm_levels(p_values, LEVEL), holm(apart)
    return [
        Adjusted(len(results), p_value, level, margin, equivalence_p)
        for p_value, level, equivalence_p in zip(*columns, strict=True)
    ]


def verdict_of(a: str, b: str, result: Result, adjusted: Adjusted) -> str:
    """What can be said of a pair."""
    margin = adjusted.margin
    equal = adjusted.equivalence_p < LEVEL
    within = f"equivalent within {_number(100 * (margin or 0))} points"
    if adjusted.p_value < LEVEL:
        better, worse = (a, b) if result.difference > 0 else (b, a)
        said = (
            f"{better} is better than {worse} by {abs(result.difference) * 100:.1f} points "
            f"(95% CI {_points(_of_better(result))}, {_p(result, adjusted)}, {_basis(result)})"
        )
        return f"{said}; yet {within}" if equal else said
    if equal:
        shown = _points(result.equivalence_interval())
        p = f", p = {adjusted.equivalence_p:.2g} after Holm" if adjusted.pairs > 1 else ""
        return f"{a} and {b}: {within} (90% CI {shown}{p}, {_basis(result)})"
    said = f"{a} and {b}: no detectable difference ({_p(result, adjusted)}, {_basis(result)})"
    neither = "" if margin is None else f", and not shown to be {within}"
    return f"{said}{neither}; {_it_would_take(result, adjusted.level)}"


def _of_better(result: Result) -> Interval:
    low, high = result.interval
    return Interval(low, high) if result.difference > 0 else Interval(-high, -low)


def _points(interval: Interval) -> str:
    return "{:.1f} to {:.1f}".format(*(100 * end for end in interval))


def _p(result: Result, adjusted: Adjusted) -> str:
    raw = f"p = {_probability(result.p_value)}"
    if adjusted.pairs == 1:
        return raw
    return f"{raw}, {_probability(adjusted.p_value)} after Holm for {adjusted.pairs} pairs"


def _probability(p: float) -> str:
    """Two decimals where they tell something, else two digits."""
    return f"{p:.2f}" if p >= LEVEL else f"{p:.2g}"


def _basis(result: Result) -> str:
    if isinstance(result, PairedComparison):
        return f"n = {result.n:,}"
    return f"{result.n_a} and {result.n_b} seeds, {result.method}, n = {result.n:,}"


def needed_for(result: Result, level: float) -> int | None:
    """Images, or seeds a side, at which the observed difference would be found in 4 of 5 cases."""
    if isinstance(result, RecipeComparison):
        return result.needed(level)
    discordant = (result.only_a + result.only_b) / result.n
    return images_needed(result.difference, discordant, level=level)


def _it_would_take(result: Result, level: float) -> str:
    needed = needed_for(result, level)
    paired = isinstance(result, PairedComparison)
    if needed is None:
        return f"no number of {'images' if paired else 'seeds'} would tell so small a difference"
    much = f"{_rounded(needed):,} images" if paired else f"{needed:,} seeds each"
    size = f"{abs(result.difference) * 100:.2g}"
    return f"if the {size} points seen are real, about {much} would tell"


def _rounded(count: int) -> int:
    """To two digits: the estimate is no better."""
    step = int(10 ** max(0, math.floor(math.log10(count)) - 1))
    return math.ceil(count / step) * step


def _number(value: float) -> str:
    return f"{value:g}"
