"""Accuracies with their intervals, one below the other: what overlaps is seen at once."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.metrics import Interval
from cnnlab.page.charts.plot import RIGHT, Mark, Plot
from cnnlab.page.charts.scale import Axis, linear_axis

__all__ = ["interval_plot"]

_ROW = 34.0
_TOP = 14.0
_LEFT = 14.0


def interval_plot(rows: Sequence[tuple[str, float, Interval]], split: str) -> Plot:
    """A dot and a line a run: name, accuracy and 95% interval as shares of 1."""
    bottom = _TOP + _ROW * len(rows)
    ends = [100 * end for _, _, interval in rows for end in interval]
    label = f"{split} accuracy (%), 95% interval"
    x = linear_axis(label, ends, (_LEFT, RIGHT), most=6)
    y = Axis("", 0, max(len(rows), 1), _TOP, bottom, ())
    marks = []
    for at, (name, accuracy, interval) in enumerate(rows):
        middle, look = y.at(at + 0.68), f"s{at % 6}"
        low, high = x.at(100 * interval.low), x.at(100 * interval.high)
        said = f"{name}: {100 * accuracy:.2f}%, {100 * interval.low:.2f}% to "
        said += f"{100 * interval.high:.2f}%"
        place = min(max(x.at(100 * accuracy), _LEFT + 40), RIGHT - 40)
        marks += [
            Mark("path", f"whisker wide {look}", path=f"M{low:g} {middle:g}H{high:g}"),
            Mark("dot", f"dot big {look}", x=x.at(100 * accuracy), y=middle, text=said),
            Mark("text", "name-text", x=place, y=middle - 9, text=_short(name)),
        ]
    words = "; ".join(f"{name} {100 * accuracy:.2f}%" for name, accuracy, _ in rows)
    return Plot(
        title="Accuracy",
        words=f"{split} accuracy with 95% intervals: {words}.",
        x=x,
        y=y,
        marks=tuple(marks),
        height=bottom + 48,
        bottom=bottom,
        left=_LEFT,
        header=("run", label, "low", "high"),
        rows=tuple((n, f"{100 * a:.2f}", *(f"{100 * e:.2f}" for e in i)) for n, a, i in rows),
    )


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:20]}…{name[-18:]}"
