"""Accuracies of several runs, each with how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import PALETTE, Picture, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened
from cnnlab.metrics.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Measured", "comparison_chart"]

_MARKERS = "os^Dvp"
_NAME_COLUMNS = 34


class Measured(NamedTuple):
    """An accuracy (share of 1) and its interval."""

    value: float
    interval: Interval


def comparison_chart(
    names: Sequence[str], accuracies: Mapping[str, Sequence[Measured | None]]
) -> Picture:
    """Draw a row a name, a dot with whiskers a series ("validation", "test").

    ``accuracies`` holds, by series, one entry a name; None where it was not measured.
    Raises :class:`InputError` where nothing was measured or the lengths differ.
    """
    for series, values in accuracies.items():
        if len(values) != len(names):
            raise InputError(f"{len(values)} values for {len(names)} runs", where=series)
    if not any(value for values in accuracies.values() for value in values):
        raise InputError("no accuracy was measured", expected="at least one to compare")
    if len(accuracies) > len(_MARKERS):
        raise InputError(f"{len(accuracies)} series", expected=f"at most {len(_MARKERS)}")
    return Picture(lambda shown: _draw(shown, names, accuracies))


def _draw(
    shown: Shown, names: Sequence[str], accuracies: Mapping[str, Sequence[Measured | None]]
) -> Figure:
    figure = new_figure(8.4, 1.1 + len(names) * max(0.36, 0.22 * len(accuracies)))
    axes = figure.add_subplot()
    rows = _rows(len(names), accuracies)
    for at, (series, values) in enumerate(accuracies.items()):
        known = [(row, m) for row, m in zip(rows[series], values, strict=True) if m is not None]
        _points(axes, at, shown(series), known)
    for row in range(1, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f5f8", zorder=0)
    axes.set_yticks(range(len(names)), labels=[shortened(shown(n), _NAME_COLUMNS) for n in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.09)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("top-1 accuracy (%); whiskers: 95% interval")
    if len(accuracies) > 1:
        figure.legend(loc="outside upper right", ncols=len(accuracies))
    return figure


def _rows(
    count: int, accuracies: Mapping[str, Sequence[Measured | None]]
) -> dict[str, list[float]]:
    """Heights at which each series is drawn: those that a name has share its row evenly."""
    heights: dict[str, list[float]] = {series: [] for series in accuracies}
    for row in range(count):
        present = [series for series, values in accuracies.items() if values[row] is not None]
        for series in accuracies:
            at = present.index(series) if series in present else 0
            heights[series].append(row + (at + 0.5) / max(1, len(present)) - 0.5)
    return heights


def _points(axes: Axes, at: int, label: str, known: Sequence[tuple[float, Measured]]) -> None:
    colour = PALETTE[at]
    middles = [100 * m.value for _, m in known]
    below = [100 * (m.value - m.interval.low) for _, m in known]
    above = [100 * (m.interval.high - m.value) for _, m in known]
    heights = [height for height, _ in known]
    axes.errorbar(
        middles,
        heights,
        xerr=[below, above],
        fmt=_MARKERS[at],
        color=colour,
        capsize=3,
        label=label,
    )
    for height, measured in known:
        axes.annotate(
            f"{100 * measured.value:.2f}",
            (100 * measured.interval.high, height),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,
        )
