"""Learning curves and the machine's load, of one run or of several over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cnnlab.page.charts.plot import BOTTOM, LEFT, RIGHT, TOP, Mark, Plot, Series, plot_of
from cnnlab.page.charts.scale import Axis, linear_axis, log_axis

__all__ = ["Curves", "curve_plots", "resource_plots"]

Record = Mapping[str, Any]

#: What is measured each epoch, and how it is told apart.
_PARTS = (("train", "train"), ("inner", "inner validation"), ("validation", "validation"))
#: From this ratio of the largest loss to the smallest on, only a logarithmic axis shows both.
_LOG_FROM = 100.0
_MIB = 1 << 20
#: Epochs for which a line that grows has room from its start.
_ROOM = 10
_MINUTES_FROM = 180.0


@dataclass(frozen=True)
class Curves:
    """One run's part of a plot: ``metrics`` as ``metrics.jsonl`` has them, and its name.

    ``chosen``: stage and epoch whose weights are used, where that is known.
    """

    name: str
    metrics: Sequence[Record]
    chosen: tuple[int, int] | None = None


def curve_plots(curves: Sequence[Curves], planned: int | None = None) -> list[Plot]:
    """Accuracy and loss over the epochs of all stages; of one run its learning rate, too.

    Of one run every part is drawn; of several what they were watched by, a line a run.
    ``planned``: so many epochs will there be at most: a line that grows has room before it, up to
    as much again as there is.
    """
    longest = max((len(one.metrics) for one in curves), default=0)
    last = max(longest, min(planned or 0, max(2 * longest, _ROOM)), 1)
    if not longest:
        return []
    x = linear_axis(_epochs_label(curves), [], (LEFT, RIGHT), low=0.5, high=last + 0.5, whole=True)
    plots = [
        _plot("Accuracy", "accuracy", "accuracy (%)", curves, x),
        _plot("Loss", "loss", "cross-entropy (nats)", curves, x),
    ]
    rates = [record.get("lr") for one in curves for record in one.metrics]
    if len(curves) == 1 and any(rate is not None for rate in rates):
        plots.append(_rate_plot(curves[0], x))
    return plots


def _epochs_label(curves: Sequence[Curves]) -> str:
    staged = any(record.get("stage", 1) > 1 for one in curves for record in one.metrics)
    return "epoch, counted over all stages" if staged else "epoch"


def _values(one: Curves, key: str, factor: float) -> list[float | None]:
    return [None if (v := record.get(key)) is None else factor * v for record in one.metrics]


def _series_of(one: Curves, figure: str, factor: float) -> list[Series]:
    places = range(1, len(one.metrics) + 1)
    found = [
        Series(name, places, _values(one, f"{part}_{figure}", factor), look)
        for look, (part, name) in enumerate(_PARTS)
    ]
    return [series for series in found if any(value is not None for value in series.values)]


def _watched(one: Curves, figure: str, factor: float, look: int) -> Series:
    """What a run was watched by: validation, else inner validation, else training itself."""
    found = {series.name: series for series in _series_of(one, figure, factor)}
    best = next((found[name] for _, name in reversed(_PARTS) if name in found), None)
    values = best.values if best else [None] * len(one.metrics)
    part = f" ({best.name})" if best else ""
    return Series(f"{one.name}{part}", range(1, len(one.metrics) + 1), values, look)


def _plot(title: str, figure: str, label: str, curves: Sequence[Curves], x: Axis) -> Plot:
    factor = 100.0 if figure == "accuracy" else 1.0
    if len(curves) == 1:
        series = _series_of(curves[0], figure, factor)
    else:
        series = [_watched(one, figure, factor, look) for look, one in enumerate(curves)]
    values = [v for s in series for v in s.values if v is not None and math.isfinite(v)]
    y = _value_axis(label, values, percent=figure == "accuracy")
    said = "; ".join(_last_of(one) for one in series) or "nothing measured yet"
    under, over = _stages(curves[0], x) if len(curves) == 1 else ([], [])
    under += _chosen_mark(curves[0], x) if len(curves) == 1 else []
    words = f"{title} by {x.label}. {said}."
    return plot_of(title, words, x, y, series, under=under, over=over)


def _value_axis(label: str, values: Sequence[float], *, percent: bool) -> Axis:
    pixels = (BOTTOM, TOP)
    positive = [v for v in values if v > 0]
    if percent:
        high = 100.0 if values and max(values) > 90 else None
        return linear_axis(label, values, pixels, high=high)
    if positive and max(positive) / min(positive) > _LOG_FROM:
        return log_axis(label.replace("(nats)", "(nats, log)"), positive, pixels)
    return linear_axis(label, [0.0, *values], pixels, low=0.0)


def _last_of(series: Series) -> str:
    known = [v for v in series.values if v is not None and math.isfinite(v)]
    return f"{series.name} ends at {known[-1]:.4g}" if known else f"{series.name} has no value"


def _stages(one: Curves, x: Axis) -> tuple[list[Mark], list[Mark]]:
    """A border and a name for each stage after the first, where there are several."""
    first: dict[int, int] = {}
    for place, record in enumerate(one.metrics, start=1):
        first.setdefault(int(record.get("stage", 1)), place)
    if len(first) < 2:
        return [], []
    lines, names = [], []
    for stage, place in first.items():
        at = x.at(place - 0.5)
        if place > 1:
            lines.append(Mark("path", "border", path=f"M{at:g} {TOP:g}V{BOTTOM:g}"))
        names.append(Mark("text", "note-text", x=at + 4, y=TOP - 5, text=f"stage {stage}"))
    return lines, names


def _chosen_mark(one: Curves, x: Axis) -> list[Mark]:
    """A band behind the epoch whose weights are used."""
    places = [
        place
        for place, record in enumerate(one.metrics, start=1)
        if (record.get("stage"), record.get("epoch")) == one.chosen
    ]
    if not places:
        return []
    width = max(x.at(1.5) - x.at(0.5), 4.0)
    left = x.at(places[0]) - width / 2
    said = f"the weights of epoch {places[0]} are the ones that are used"
    box = Mark("rect", "chosen", x=left, y=TOP, width=width, height=BOTTOM - TOP, text=said)
    return [box]


def _rate_plot(one: Curves, x: Axis) -> Plot:
    values = [record.get("lr") for record in one.metrics]
    known = [v for v in values if v is not None and math.isfinite(v)]
    positive = [v for v in known if v > 0]
    label = "learning rate"
    wide = positive and max(positive) / min(positive) > _LOG_FROM
    y = (
        log_axis(f"{label} (log)", positive, (BOTTOM, TOP))
        if wide
        else linear_axis(label, [0.0, *known], (BOTTOM, TOP), low=0.0)
    )
    series = Series("learning rate", range(1, len(values) + 1), values, 4)
    words = f"The learning rate at the end of each epoch. {_last_of(series)}."
    return plot_of("Learning rate", words, x, y, [series])


def resource_plots(samples: Sequence[Record]) -> list[Plot]:
    """Load of the processor and memory over time, as ``resources.jsonl`` has them."""
    if not samples:
        return []
    seconds = [float(sample["seconds"]) for sample in samples]
    minutes = seconds[-1] >= _MINUTES_FROM
    places = [s / 60 for s in seconds] if minutes else seconds
    label = f"time since the start ({'minutes' if minutes else 'seconds'})"
    x = linear_axis(label, places, (LEFT, RIGHT), low=0.0, high=max(places[-1], 1e-3))
    return [
        _load_plot("Processor", "load of all cores (%)", samples, places, x, "cpu_percent", 1, 2),
        _load_plot("Memory", "of the training process (MiB)", samples, places, x,
                   "memory_bytes", 1 / _MIB, 3),
    ]  # fmt: skip


def _load_plot(
    title: str,
    label: str,
    samples: Sequence[Record],
    places: Sequence[float],
    x: Axis,
    key: str,
    factor: float,
    look: int,
) -> Plot:
    values = [None if (v := sample.get(key)) is None else factor * v for sample in samples]
    known = [v for v in values if v is not None]
    high = 100.0 if key == "cpu_percent" else None
    y = linear_axis(label, [0.0, *known], (BOTTOM, TOP), low=0.0, high=high, most=5)
    series = Series(title.lower(), places, values, look)
    return plot_of(title, f"{title}, {label}, over time. {_last_of(series)}.", x, y, [series])
