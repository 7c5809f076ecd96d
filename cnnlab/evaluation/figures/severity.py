"""Accuracy against severity: one small panel a corruption, one row a family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.comparison import Measured
from cnnlab.evaluation.figures.picture import GREY, PALETTE, Picture, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Panel", "severity_curves"]

_NAME_COLUMNS = 40


class Panel(NamedTuple):
    """A corruption: its title, an accuracy a severity, and a reference's where there is one."""

    title: str
    accuracies: Sequence[Measured]
    reference: Sequence[float] | None = None


def severity_curves(
    rows: Sequence[Sequence[Panel]],
    severities: Sequence[int],
    *,
    clean: float,
    name: str,
    reference: str | None = None,
) -> Picture:
    """Draw a panel each, with 95% intervals as whiskers and the clean accuracy as a dashed line.

    ``name`` and ``reference`` are what the runs are called. Raises :class:`InputError` where
    there is no panel or one has another number of accuracies than there are severities.
    """
    panels = [panel for row in rows for panel in row]
    if not panels or any(len(panel.accuracies) != len(severities) for panel in panels):
        raise InputError("accuracies and severities", expected="one each, and one panel or more")
    return Picture(lambda shown: _draw(shown, rows, severities, clean, (name, reference)))


def _draw(
    shown: Shown,
    rows: Sequence[Sequence[Panel]],
    severities: Sequence[int],
    clean: float,
    names: tuple[str, str | None],
) -> Figure:
    columns = max(map(len, rows))
    figure = new_figure(0.6 + 2.1 * max(columns, 2), 0.8 + 1.6 * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
    name, reference = (None if n is None else shortened(shown(n), _NAME_COLUMNS) for n in names)
    for row, axes_row in zip(rows, grid, strict=True):
        for axes in axes_row[len(row) :]:
            axes.set_axis_off()
        for panel, axes in zip(row, axes_row, strict=False):
            _panel(axes, panel, severities, clean, (name or "", reference))
    used = [panels[: len(row)] for row, panels in zip(rows, grid, strict=True)]
    for axes_row in used:
        axes_row[0].set_ylabel("accuracy (%)")
    for column in range(columns):
        lowest = [axes_row[column] for axes_row in used if len(axes_row) > column][-1]
        lowest.set_xlabel("severity")
        lowest.tick_params(labelbottom=True)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(handles))
    return figure


def _panel(
    axes: Axes,
    panel: Panel,
    severities: Sequence[int],
    clean: float,
    names: tuple[str, str | None],
) -> None:
    cells = panel.accuracies
    axes.axhline(100 * clean, color=GREY, linestyle="--", linewidth=1, label="clean images")
    if panel.reference is not None:
        values = [100 * value for value in panel.reference]
        axes.plot(severities, values, "s-", color=PALETTE[1], markersize=3, label=names[1])
    axes.errorbar(
        severities,
        [100 * cell.value for cell in cells],
        yerr=[
            [100 * (cell.value - cell.interval.low) for cell in cells],
            [100 * (cell.interval.high - cell.value) for cell in cells],
        ],
        fmt="o-",
        color=PALETTE[0],
        capsize=2,
        markersize=3.5,
        label=names[0],
    )
    axes.set_title(panel.title, fontsize=9)
    axes.set_ylim(0, 100)
    axes.set_xlim(0.5, 5.5)
    axes.set_xticks([1, 2, 3, 4, 5])
