"""Whether a network is as sure as it is right, and how right it is where it is sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import GREY, PALETTE, Picture, Shown, new_figure
from cnnlab.metrics.calibration import ReliabilityBin
from cnnlab.metrics.selective import CoverageCurve
from cnnlab.metrics.statistics import clopper_pearson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["calibration_figure"]

#: A curve of ten thousand images needs no more points than this on paper.
_POINTS = 200


def calibration_figure(
    bins: Sequence[ReliabilityBin], curve: CoverageCurve, *, title: str
) -> Picture:
    """Left the reliability diagram, right accuracy against the share of images answered.

    Whiskers are Clopper and Pearson's 95% intervals of each bin's accuracy. Raises
    :class:`InputError` without a bin.
    """
    if not bins:
        raise InputError("no bin to draw", expected="at least one image")

    def draw(shown: Shown) -> Figure:
        figure = new_figure(8.4, 3.9)
        left, right = figure.subplots(1, 2)
        figure.suptitle(shown(title), x=0.01, ha="left", fontsize=10.5, fontweight="bold")
        _reliability(left, bins)
        _coverage(right, curve)
        return figure

    return Picture(draw)


def _reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    confidence = [100 * group.confidence for group in bins]
    accuracy = [100 * group.accuracy for group in bins]
    ends = [clopper_pearson(round(g.accuracy * g.count), g.count) for g in bins]
    below = [a - 100 * end.low for a, end in zip(accuracy, ends, strict=True)]
    above = [100 * end.high - a for a, end in zip(accuracy, ends, strict=True)]
    low = max(0.0, min(*confidence, *(100 * end.low for end in ends)) - 3)
    axes.plot([low, 100], [low, 100], "--", color=GREY, linewidth=1, label="as sure as right")
    axes.errorbar(
        confidence,
        accuracy,
        yerr=[np.maximum(below, 0), np.maximum(above, 0)],
        fmt="o-",
        color=PALETTE[0],
        capsize=2.5,
        linewidth=1.2,
        label="measured",
    )
    axes.set_xlim(low, 101)
    axes.set_ylim(low, 101)
    axes.set_xlabel("mean confidence of a bin (%)")
    axes.set_ylabel("accuracy of the bin (%), 95% interval")
    axes.legend(loc="upper left")


def _coverage(axes: Axes, curve: CoverageCurve) -> None:
    count = len(curve.coverage)
    first = max(0, count // 100 - 1)  # the accuracy of a few images jumps about
    at = np.unique(np.linspace(first, count - 1, min(count, _POINTS)).round().astype(int))
    accuracy = 100 * curve.accuracy[at]
    axes.plot(100 * curve.coverage[at], accuracy, color=PALETTE[1])
    axes.set_xlim(0, 101)
    span = max(float(accuracy.max() - accuracy.min()), 1.0)
    axes.set_ylim(float(accuracy.min()) - 0.08 * span, float(accuracy.max()) + 0.08 * span)
    axes.set_xlabel("images answered, the surest first (%)")
    axes.set_ylabel("accuracy among them (%)")
    axes.annotate(
        f"mean {100 * curve.area:.2f}%", (0.97, 0.93), xycoords="axes fraction", ha="right"
    )
