"""Training loss against the learning rate, as a range test measured it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import INK, PALETTE, Picture, Shown, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["rate_curve"]

_MARKERS = ("v", "s", "D", "^", "P")
#: What lies above the start by so many times the whole fall is not shown: a loss that blows up
#: would press the fall, which is what one looks at, into a line.
_SHOWN_ABOVE = 0.6


def rate_curve(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    *,
    suggestion: float | None,
    others: Mapping[str, float],
    title: str = "Loss against learning rate",
) -> Picture:
    """Each step's loss as a dot, the smoothed loss as a line, suggested rates as marks on it.

    ``suggestion`` is the rate to take, None where there is none; ``others`` are those of other
    rules by name. Raises :class:`InputError` where lengths differ or there is nothing to draw.
    """
    if not len(rates) == len(losses) == len(smoothed):
        raise InputError(
            f"{len(losses)} losses and {len(smoothed)} smoothed ones for {len(rates)} rates",
            expected="one of each",
        )
    if not len(rates):
        raise InputError("no step was taken", expected="at least one to draw a curve")

    def draw(shown: Shown) -> Figure:
        figure = new_figure(7.2, 4.0)
        axes = figure.subplots()
        _curve(axes, rates, losses, smoothed)
        _marks(axes, rates, smoothed, suggestion, others)
        axes.set_title(shown(title))
        axes.legend(loc="upper left", fontsize=8.5, frameon=True, facecolor="white", edgecolor="w")
        return figure

    return Picture(draw)


def _curve(
    axes: Axes, rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float]
) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=10))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.plot(rates, losses, ".", color="#aeb8c2", markersize=4, label="one batch")
    axes.plot(rates, smoothed, "-", color=PALETTE[0], label="smoothed")
    low = min(min(losses), min(smoothed))
    start, lowest = max(smoothed[: _first_part(len(smoothed))]), min(smoothed)
    fall = max(start - lowest, 0.05 * abs(start), 1e-9)
    high = min(max(*losses, *smoothed), start + _SHOWN_ABOVE * fall)
    margin = 0.08 * max(high - low, 0.01 * abs(low), 1e-9)
    axes.set_ylim(low - margin, high + 3 * margin)
    axes.set_xlabel("learning rate (logarithmic), one step at each")
    axes.set_ylabel("training loss (nats)")


def _first_part(count: int) -> int:
    return max(1, count // 4)


def _marks(
    axes: Axes,
    rates: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float | None,
    others: Mapping[str, float],
) -> None:
    for number, (name, rate) in enumerate(others.items()):
        axes.plot(
            [rate],
            [_height(rate, rates, smoothed)],
            _MARKERS[number % len(_MARKERS)],
            color=PALETTE[2 + number % (len(PALETTE) - 2)],
            markeredgecolor=INK,
            markeredgewidth=0.6,
            markersize=6,
            zorder=4,
            label=f"{name}: {rate:.2g}",
        )
    if suggestion is None:
        return
    axes.axvline(suggestion, color=PALETTE[1], linewidth=1.2, linestyle="--", zorder=1)
    axes.plot(
        [suggestion],
        [_height(suggestion, rates, smoothed)],
        "o",
        color=PALETTE[1],
        markeredgecolor=INK,
        markersize=8,
        zorder=5,
        label=f"suggestion: {suggestion:.2g}",
    )


def _height(rate: float, rates: Sequence[float], smoothed: Sequence[float]) -> float:
    """The smoothed loss at a rate, between two steps on the line that is drawn."""
    import numpy as np

    return float(np.interp(math.log(rate), np.log(rates), smoothed))
