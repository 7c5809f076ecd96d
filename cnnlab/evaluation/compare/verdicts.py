"""What can be said of two runs, or two recipes, in words; never a ranking inside the noise."""

from __future__ import annotations

import math

from cnnlab.evaluation.compare.recipes import RecipeComparison
from cnnlab.metrics import Interval, PairedComparison, images_needed

__all__ = ["LEVEL", "Result", "needed_for", "verdict_of"]

#: A difference is called one below this p-value, adjusted for the number of pairs.
LEVEL = 0.05

Result = PairedComparison | RecipeComparison


def verdict_of(
    a: str, b: str, result: Result, *, p_holm: float, pairs: int, margin: float | None
) -> str:
    """The verdict; ``margin`` (a share) is what counts as equivalent, None where nothing does."""
    equal = margin is not None and result.equivalent(margin)
    within = f"equivalent within {_number(100 * (margin or 0))} points"
    if p_holm < LEVEL:
        better, worse = (a, b) if result.difference > 0 else (b, a)
        said = (
            f"{better} is better than {worse} by {abs(result.difference) * 100:.1f} points "
            f"(95% CI {_points(_of_better(result))}, {_p(result, p_holm, pairs)}, {_basis(result)})"
        )
        return f"{said}; yet {within}" if equal else said
    if equal:
        shown = _points(result.equivalence_interval())
        return f"{a} and {b}: {within} (90% CI {shown}, {_basis(result)})"
    said = (
        f"{a} and {b}: no detectable difference "
        f"({_p(result, p_holm, pairs, decimals=True)}, {_basis(result)})"
    )
    neither = "" if margin is None else f", and not shown to be {within}"
    return f"{said}{neither}; {_it_would_take(result)}"


def _of_better(result: Result) -> Interval:
    low, high = result.interval
    return Interval(low, high) if result.difference > 0 else Interval(-high, -low)


def _points(interval: Interval) -> str:
    return "{:.1f} to {:.1f}".format(*(100 * end for end in interval))


def _p(result: Result, p_holm: float, pairs: int, *, decimals: bool = False) -> str:
    shape = "{:.2f}" if decimals else "{:.2g}"
    raw = f"p = {shape.format(result.p_value)}"
    return f"{raw}, {shape.format(p_holm)} after Holm for {pairs} pairs" if pairs > 1 else raw


def _basis(result: Result) -> str:
    if isinstance(result, PairedComparison):
        return f"n = {result.n:,}"
    return f"{result.n_a} and {result.n_b} seeds, {result.method}, n = {result.n:,}"


def needed_for(result: Result) -> int | None:
    """Images, or seeds a side, at which the observed difference would be found in 4 of 5 cases."""
    if isinstance(result, RecipeComparison):
        return result.seeds_needed
    return images_needed(result.difference, (result.only_a + result.only_b) / result.n)


def _it_would_take(result: Result) -> str:
    needed = needed_for(result)
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
