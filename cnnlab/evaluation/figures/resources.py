"""What the machine did during training: the report's author watched a laptop boil."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import PALETTE, Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["resource_figure"]

Values = Sequence[float | None]

_TIME_UNITS = ((2 * 3600, 3600, "hours"), (3 * 60, 60, "minutes"), (0, 1, "seconds"))
_MEMORY_UNITS = ((2 << 30, 1 << 30, "GiB"), (0, 1 << 20, "MiB"))


def resource_figure(
    times: Sequence[float],
    cpu_percent: Values,
    memory_bytes: Values,
    temperature: Values | None = None,
) -> Picture:
    """Draw processor load, memory and (where the machine tells) temperature over time.

    Parameters
    ----------
    times: seconds since the start, one a sample.
    cpu_percent: load of the processor; None where a sample has none.
    memory_bytes: memory in use.
    temperature: degrees Celsius; None where the machine has no sensor.

    Raises :class:`InputError` where there is no sample or the lengths differ.
    """
    if not times:
        raise InputError("no sample of the machine was recorded", expected="at least one")
    for name, values in (("cpu_percent", cpu_percent), ("memory_bytes", memory_bytes)):
        if len(values) != len(times):
            raise InputError(f"{len(values)} values for {len(times)} times", where=name)
    warmth = temperature if temperature and any(v is not None for v in temperature) else None
    if warmth is not None and len(warmth) != len(times):
        raise InputError(f"{len(warmth)} values for {len(times)} times", where="temperature")
    return Picture(lambda _shown: _draw(times, cpu_percent, memory_bytes, warmth))


def _draw(times: Sequence[float], cpu: Values, memory: Values, warmth: Values | None) -> Figure:
    panels = 2 if warmth is None else 3
    figure = new_figure(8.4, 0.6 + 1.45 * panels)
    axes = figure.subplots(panels, 1, sharex=True)
    seconds, unit = _unit(max(times), _TIME_UNITS)
    hours = [time / seconds for time in times]
    _panel(axes[0], hours, cpu, "Processor load", "%", PALETTE[0])
    most = max((v for v in memory if v is not None), default=0.0)
    size, name = _unit(most, _MEMORY_UNITS)
    scaled = [None if v is None else v / size for v in memory]
    _panel(axes[1], hours, scaled, "Memory", name, PALETTE[1])
    if warmth is not None:
        _panel(axes[2], hours, warmth, "Temperature", "°C", PALETTE[3])
        axes[2].set_ylim(*_around(warmth))
    axes[-1].set_xlabel(f"time since the start ({unit})")
    return figure


def _unit(most: float, units: Sequence[tuple[int, int, str]]) -> tuple[int, str]:
    return next((size, name) for least, size, name in units if most >= least)


def _panel(
    axes: Axes, times: Sequence[float], values: Values, title: str, unit: str, colour: str
) -> None:
    numbers = [math.nan if v is None else v for v in values]
    marker = "o" if len(times) <= 2 else None
    axes.plot(times, numbers, color=colour, marker=marker)
    axes.fill_between(times, numbers, color=colour, alpha=0.12, linewidth=0)
    axes.set(title=title, ylabel=unit)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)


def _around(values: Values) -> tuple[float, float]:
    """Limits a little beyond the values: a temperature's zero means nothing."""
    known = [v for v in values if v is not None]
    return min(known) - 5, max(known) + 5
