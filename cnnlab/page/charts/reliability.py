"""Whether a network is as sure as it is right."""

from __future__ import annotations

from collections.abc import Sequence

from cnnlab.metrics import ReliabilityBin, clopper_pearson
from cnnlab.page.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Mark, Plot, Series, plot_of
from cnnlab.page.charts.scale import linear_axis

__all__ = ["reliability_plot"]


def reliability_plot(bins: Sequence[ReliabilityBin]) -> Plot:
    """Accuracy over confidence, bin by bin, with Clopper and Pearson's 95% intervals."""
    confidence = [100 * group.confidence for group in bins]
    accuracy = [100 * group.accuracy for group in bins]
    ends = [clopper_pearson(round(g.accuracy * g.count), g.count) for g in bins]
    lowest = min([*confidence, *(100 * end.low for end in ends)], default=0.0)
    low = 10.0 * int(max(0.0, lowest) / 10)
    x = linear_axis("mean confidence of a bin (%)", [], (LEFT, RIGHT), low=low, high=100.0)
    y = linear_axis("accuracy of the bin (%)", [], (BOTTOM, TOP), low=low, high=100.0)
    diagonal = f"M{x.at(low):g} {y.at(low):g}L{x.at(100):g} {y.at(100):g}"
    whiskers = [
        Mark(
            "path",
            "whisker s0",
            path=f"M{x.at(c):g} {y.at(100 * e.low):g}V{y.at(100 * e.high):g}",
        )
        for c, e in zip(confidence, ends, strict=True)
    ]
    worst = max(bins, key=lambda g: abs(g.confidence - g.accuracy), default=None)
    said = (
        f"Where it is furthest off it is {100 * worst.confidence:.0f}% sure and "
        f"{100 * worst.accuracy:.0f}% right."
        if worst
        else ""
    )
    return plot_of(
        "Reliability",
        "Accuracy by confidence; on the dashed diagonal a network is as sure as it is right. "
        + said,
        x,
        y,
        [Series("accuracy", confidence, accuracy, 0)],
        under=[Mark("path", "border", path=diagonal), *whiskers],
    )
