"""Differences from a common reference, each with its interval: a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import GREY, PALETTE, Picture, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Estimate", "forest_plot"]

_NAME_COLUMNS = 34
#: An interval that is so many times as wide as the middle one is cut off at the figure's edge.
_CUT_OFF = 3.0


class Estimate(NamedTuple):
    """A difference of accuracies (shares of 1) with its interval; ``real``: it is no chance."""

    name: str
    value: float
    low: float
    high: float
    real: bool


def forest_plot(estimates: Sequence[Estimate], *, reference: str) -> Picture:
    """Draw a row an estimate, a dot with whiskers; filled dots are real differences.

    ``reference`` says what zero is. Raises :class:`InputError` where there is nothing to draw.
    """
    if not estimates:
        raise InputError("no difference was measured", expected="one or more")
    return Picture(lambda shown: _draw(shown, estimates, reference))


def _draw(shown: Shown, estimates: Sequence[Estimate], reference: str) -> Figure:
    figure = new_figure(8.4, 1.2 + 0.42 * len(estimates))
    axes = figure.add_subplot()
    axes.axvline(0, color=GREY, linewidth=1.2, zorder=1)
    for row, one in enumerate(estimates):
        colour = PALETTE[0] if one.real else GREY
        axes.errorbar(
            [100 * one.value],
            [row],
            xerr=[[100 * (one.value - one.low)], [100 * (one.high - one.value)]],
            fmt="o",
            color=colour,
            markerfacecolor=colour if one.real else "white",
            capsize=3,
        )
        axes.annotate(
            f"{100 * one.value:+.2f}",
            (100 * one.value, row),
            (0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=colour,
        )
    for row in range(1, len(estimates), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f5f8", zorder=0)
    names = [shortened(shown(one.name), _NAME_COLUMNS) for one in estimates]
    axes.set_yticks(range(len(estimates)), labels=names)
    axes.set_ylim(len(estimates) - 0.5, -0.6)
    axes.set_xlim(*_limits(estimates))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(shown(f"points of validation accuracy against {reference}; 95% intervals"))
    return figure


def _limits(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """Room for every dot and for intervals of usual width, zero always inside; in points."""
    widths = sorted(one.high - one.low for one in estimates)
    usual = _CUT_OFF * widths[len(widths) // 2] / 2
    low = min(0.0, *(max(one.low, one.value - usual) for one in estimates))
    high = max(0.0, *(min(one.high, one.value + usual) for one in estimates))
    margin = max(0.08 * (high - low), 1e-3)
    bounds = 100 * (low - margin), 100 * (high + margin)
    return bounds if math.isfinite(bounds[0] + bounds[1]) else (-100.0, 100.0)
