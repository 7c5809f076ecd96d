"""How loss and accuracy moved, epoch by epoch and stage by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import GREY, PALETTE, Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SERIES", "StageCurves", "learning_curves"]

Values = Sequence[float | None]

#: What a curve may be of, and how it is drawn: never by colour alone.
SERIES = ("train", "inner validation", "validation")
_LOOKS = (("-", "o"), ("--", "s"), ("-.", "^"))

#: From this ratio of the largest loss to the smallest on, only a logarithmic axis shows both.
_LOG_FROM = 100.0
#: Two stages' names stand apart by at least this share of the axis.
_NAME_SHARE = 0.16
_MOST_MARKERS = 60


@dataclass(frozen=True)
class StageCurves:
    """One stage of a training.

    Attributes
    ----------
    stage: its number, from 1.
    loss, accuracy: a value an epoch by series (names of ``SERIES``); None where the epoch has
        none, a series that is not there is not drawn. Accuracies are shares of 1.
    """

    stage: int
    loss: Mapping[str, Values]
    accuracy: Mapping[str, Values]

    @property
    def epochs(self) -> int:
        """Epochs in it: the length of its longest series."""
        return max(map(len, [*self.loss.values(), *self.accuracy.values()]), default=0)


def learning_curves(stages: Sequence[StageCurves]) -> Picture:
    """Two panels, loss and accuracy, over the epochs of all stages, with the stages' borders.

    Raises :class:`InputError` where there is no epoch or a series has an unknown name.
    """
    if not any(stage.epochs for stage in stages):
        raise InputError("no epoch has been recorded", expected="at least one to draw a curve")
    names = {name for s in stages for name in (*s.loss, *s.accuracy)}
    if names - set(SERIES):
        raise InputError(
            f"no series is called {sorted(names - set(SERIES))[0]!r}",
            expected=f"one of {', '.join(SERIES)}",
        )
    return Picture(lambda _shown: _draw(stages))


def _draw(stages: Sequence[StageCurves]) -> Figure:
    figure = new_figure(8.4, 3.6)
    left, right = figure.subplots(1, 2)
    _panel(left, stages, [stage.loss for stage in stages])
    left.set_ylabel("cross-entropy (nats)")
    _scale_loss(left, [v for s in stages for series in s.loss.values() for v in series])
    _panel(right, stages, [stage.accuracy for stage in stages])
    right.set_ylabel("top-1 accuracy (%)")
    for axes, title in ((left, "Loss"), (right, "Accuracy")):
        axes.set_title(title, pad=18 if len(stages) > 1 else 6)  # above the stages' names
    shown = {line.get_label(): line for axes in (left, right) for line in axes.get_lines()}
    lines = {name: shown[name] for name in SERIES if name in shown}
    figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=3)
    return figure


def _panel(
    axes: Axes, stages: Sequence[StageCurves], curves: Sequence[Mapping[str, Values]]
) -> None:
    from matplotlib.ticker import MaxNLocator

    total = sum(stage.epochs for stage in stages)
    start = 0
    percent = all(series is stage.accuracy for series, stage in zip(curves, stages, strict=True))
    for stage, series in zip(stages, curves, strict=True):
        for name in SERIES:
            values = [_number(v) * (100 if percent else 1) for v in series.get(name, ())]
            _line(axes, name, start + 1, values, total)
        start += stage.epochs
    axes.set_xlim(0.5, total + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch" if len(stages) == 1 else "epoch, counted over all stages")
    if len(stages) > 1:
        _mark_stages(axes, stages)


def _line(axes: Axes, name: str, first: int, values: Sequence[float], total: int) -> None:
    if all(map(math.isnan, values)):
        return
    at = SERIES.index(name)
    style, marker = _LOOKS[at]
    axes.plot(
        range(first, first + len(values)),
        values,
        style,
        color=PALETTE[at],
        marker=marker if total <= _MOST_MARKERS else None,
        markevery=max(1, total // 20),
        label=name,
    )


def _number(value: float | None) -> float:
    """A value that a line can go through; a loss of infinity leaves a gap."""
    return float(value) if value is not None and math.isfinite(value) else math.nan


def _mark_stages(axes: Axes, stages: Sequence[StageCurves]) -> None:
    total = sum(stage.epochs for stage in stages)
    start, named = 0.5, -math.inf
    for position, stage in enumerate(stages):
        middle, end = start + stage.epochs / 2, start + stage.epochs
        if position % 2:
            axes.axvspan(start, end, color="#f3f5f8", zorder=0)
        if position:
            axes.axvline(start, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        if middle - named >= _NAME_SHARE * total:
            named = middle
            axes.text(
                middle,
                1.01,
                f"stage {stage.stage}",
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=8,
                color=GREY,
            )
        start = end


def _scale_loss(axes: Axes, values: Sequence[float | None]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    positive = [v for v in map(_number, values) if v > 0]
    if positive and max(positive) / min(positive) > _LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=8))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("cross-entropy (nats), logarithmic")
    else:
        axes.set_ylim(0, 1.06 * max(positive, default=1.0))
