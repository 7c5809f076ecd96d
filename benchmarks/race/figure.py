"""Accuracy against seconds of training, every training a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnlab.evaluation.figures import Picture
from cnnlab.evaluation.figures.picture import GREY, PALETTE, Shown, new_figure
from race.statistics import Goal, Group, front

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["race_figure"]

_ABOVE: dict[str, Any] = {"xytext": (0, 7), "textcoords": "offset points"}


def race_figure(groups: Sequence[Group], goals: Sequence[Goal]) -> Picture:
    """Trainings, their medians, the peers' curves, and the goals as the corners to get into."""
    return Picture(lambda shown: _draw(groups, goals, shown))


def _draw(groups: Sequence[Group], goals: Sequence[Goal], shown: Shown) -> Figure:
    from matplotlib.ticker import LogLocator

    figure = new_figure(7.2, 4.4)
    axes = figure.subplots()
    sides = list(dict.fromkeys(group.side for group in groups))
    for side, color in zip(sides, PALETTE, strict=False):
        of_side = [group for group in groups if group.side == side]
        if any("curve" in group.records[0] and side != "airbench" for group in of_side):
            _curves(axes, of_side, color, shown)
        else:
            _points(axes, of_side, color, shown)
    best = front(groups)
    axes.plot(*_medians(best), "-", color=PALETTE[sides.index("airbench")] if best else GREY)
    corners = [goal.seconds for goal in goals], [100 * goal.accuracy for goal in goals]
    axes.plot(*corners, "+", color=GREY, markersize=11, label="goals" if goals else "_none")
    axes.set_xscale("log", subs=range(2, 10))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("test accuracy, one view (%)")
    axes.xaxis.set_major_formatter(lambda value, _at: f"{value:g}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _medians(groups: Sequence[Group]) -> tuple[list[float], list[float]]:
    return [group.seconds for group in groups], [100 * group.accuracy for group in groups]


def _points(axes: Axes, groups: Sequence[Group], color: str, shown: Shown) -> None:
    """Every training small and pale, medians large."""
    for group in groups:
        accuracies = [100 * value for value in group.values("accuracy")]
        axes.plot(group.values("seconds"), accuracies, "o", color=color, alpha=0.3, markersize=3)
        if group.side == "cnnlab":
            place = (group.seconds, 100 * group.accuracy)
            axes.annotate(shown(_name(group, groups)), place, ha="center", **_ABOVE)
    axes.plot(*_medians(groups), "o", color=color, label=f"{groups[0].side}, medians")


def _name(group: Group, groups: Sequence[Group]) -> str:
    """The recipe alone, where all were given the same settings."""
    named = {label.partition(", ")[2] for label in (other.label for other in groups)}
    return group.label.partition(", ")[0] if len(named) == 1 else group.label


def _curves(axes: Axes, groups: Sequence[Group], color: str, shown: Shown) -> None:
    for group in groups:
        for record in group.records:
            seconds = [point["seconds"] for point in record["curve"]]
            accuracies = [100 * point["accuracy"] for point in record["curve"]]
            name = shown(f"{group.side}, {group.label}, by epoch")
            axes.plot(seconds, accuracies, "--", marker=".", color=color, label=name)
