"""A sweep's search and its confirmation: figures over trials, and over fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import GREY, INK, PALETTE, Picture, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "ConfirmedRow",
    "Scale",
    "TrialPoint",
    "confirmation_figure",
    "importance_bars",
    "sweep_history",
]

_NAME_COLUMNS = 44


class Scale(NamedTuple):
    """How an objective is drawn: its name, what it is multiplied by, whether larger is better."""

    label: str
    factor: float
    larger: bool


class TrialPoint(NamedTuple):
    """A trial: its number, its objective (or where it stood when it ended), whether to the end."""

    number: int
    value: float | None
    finished: bool


class ConfirmedRow(NamedTuple):
    """A candidate: its figure in the search, those with fresh seeds, their mean's interval."""

    name: str
    searched: float | None
    fresh: Sequence[float]
    mean: float
    interval: tuple[float, float] | None


def sweep_history(points: Sequence[TrialPoint], *, scale: Scale) -> Picture:
    """Draw the objective trial after trial and the best so far; trial 0 is the dashed line.

    Raises :class:`InputError` where no trial has an objective.
    """
    if all(point.value is None for point in points):
        raise InputError("no trial has a figure", expected="one or more")
    return Picture(lambda shown: _draw_history(shown, points, scale))


def _draw_history(shown: Shown, points: Sequence[TrialPoint], scale: Scale) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(8.2, 3.9)
    axes = figure.subplots()
    known = [(one.number, scale.factor * one.value, one.finished) for one in points
             if one.value is not None]  # fmt: skip
    cut = [(number, value) for number, value, finished in known if not finished]
    done = [(number, value) for number, value, finished in known if finished]
    if cut:
        axes.plot(*_columns(cut), "x", color="#aeb8c2", label="stopped early, where it stood")
    if done:
        axes.plot(*_columns(done), "o", color=PALETTE[0], label="trained to its end")
        best, line = None, []
        for number, value in done:
            better = best is None or (value > best if scale.larger else value < best)
            best = value if better else best
            line.append((number, best))
        last = points[-1].number
        axes.step(*_columns([*line, (last, best)]), where="post", color=PALETTE[1],
                  linewidth=1.3, label="best so far", zorder=1)  # fmt: skip
        if done[0][0] == 0:
            axes.axhline(done[0][1], color=GREY, linestyle="--", linewidth=1.1,
                         label="base configuration", zorder=0)  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial")
    axes.set_ylabel(shown(scale.label))
    figure.legend(loc="outside upper left", ncols=4, fontsize=8.5)
    return figure


def _columns(pairs: Sequence[tuple[float, float | None]]) -> tuple[list[float], list[float]]:
    return [pair[0] for pair in pairs], [pair[1] or 0.0 for pair in pairs]


def importance_bars(shares: Mapping[str, float]) -> Picture:
    """Draw a bar a setting, the largest first; :class:`InputError` where there is none."""
    if not shares:
        raise InputError("no setting to draw", expected="one or more")
    return Picture(lambda shown: _draw_importance(shown, shares))


def _draw_importance(shown: Shown, shares: Mapping[str, float]) -> Figure:
    figure = new_figure(7.2, 0.9 + 0.36 * len(shares))
    axes = figure.subplots()
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    places = range(len(ordered))
    axes.barh(places, [100 * share for _, share in ordered], height=0.62, color=PALETTE[0])
    for place, (_, share) in zip(places, ordered, strict=True):
        axes.annotate(f"{100 * share:.0f}%", (100 * share, place), (4, 0),
                      textcoords="offset points", va="center", fontsize=8.5, color=INK)  # fmt: skip
    axes.set_yticks(places, [shortened(shown(key), _NAME_COLUMNS) for key, _ in ordered])
    axes.set_ylim(len(ordered) - 0.5, -0.5)
    axes.set_xlim(0, max(10.0, 112 * ordered[0][1]))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of what single settings explain (%)")
    return figure


def confirmation_figure(rows: Sequence[ConfirmedRow], *, scale: Scale) -> Picture:
    """Draw each candidate's figure in the search beside those of fresh seeds and their mean.

    Raises :class:`InputError` where there is no candidate.
    """
    if not rows:
        raise InputError("no candidate was confirmed", expected="one or more")
    return Picture(lambda shown: _draw_confirmation(shown, rows, scale))


def _draw_confirmation(shown: Shown, rows: Sequence[ConfirmedRow], scale: Scale) -> Figure:
    figure = new_figure(8.2, 1.35 + 0.48 * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        _draw_row(axes, place, row, scale.factor)
    for place in range(1, len(rows), 2):
        axes.axhspan(place - 0.5, place + 0.5, color="#f3f5f8", zorder=0)
    names = [shortened(shown(row.name), _NAME_COLUMNS) for row in rows]
    axes.set_yticks(range(len(rows)), labels=names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(shown(scale.label))
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper left", ncols=3, fontsize=8.5)
    return figure


def _draw_row(axes: Axes, place: int, row: ConfirmedRow, factor: float) -> None:
    low, high = row.interval or (row.mean, row.mean)
    axes.errorbar(
        [factor * row.mean],
        [place],
        xerr=[[factor * (row.mean - low)], [factor * (high - row.mean)]],
        fmt="o",
        color=PALETTE[0],
        capsize=3,
        markersize=6,
        label="mean of fresh seeds, 95% interval",
    )
    axes.plot([factor * value for value in row.fresh], [place + 0.22] * len(row.fresh), "|",
              color=PALETTE[0], markersize=7, label="a fresh seed")  # fmt: skip
    if row.searched is not None:
        axes.plot([factor * row.searched], [place], "D", color=PALETTE[1], markerfacecolor="white",
                  markersize=6, label="its figure in the search", zorder=4)  # fmt: skip
