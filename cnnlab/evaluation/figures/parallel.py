"""Trials as lines over parallel axes, one axis a setting, coloured by what they reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import INK, PALETTE, Picture, Shown, new_figure
from cnnlab.evaluation.figures.sweep import Scale
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

__all__ = ["ParallelAxis", "ParallelLine", "parallel_coordinates"]

_NAME_COLUMNS = 20
_TICK_COLUMNS = 14
#: What is far below the rest would take all the colours.
_COLOUR_FROM = 0.1


class ParallelAxis(NamedTuple):
    """A setting: its name, and texts at places between 0 (bottom) and 1 (top)."""

    name: str
    ticks: Sequence[tuple[float, str]]


class ParallelLine(NamedTuple):
    """A trial: its place on each axis, None where it has none, and its objective."""

    places: Sequence[float | None]
    value: float | None
    finished: bool
    chosen: bool = False


def parallel_coordinates(
    axes: Sequence[ParallelAxis], lines: Sequence[ParallelLine], *, scale: Scale
) -> Picture:
    """Draw a line a trial; what was stopped early is grey, what was chosen is thick.

    Raises :class:`InputError` where no trial has an objective, or one has another number of
    places than there are axes.
    """
    if any(len(line.places) != len(axes) for line in lines):
        raise InputError("places and axes", expected="one place for each axis")
    if not axes or not any(line.finished and line.value is not None for line in lines):
        raise InputError("no trial was trained to its end", expected="one or more")
    return Picture(lambda shown: _draw(shown, axes, lines, scale))


def _draw(
    shown: Shown, parts: Sequence[ParallelAxis], lines: Sequence[ParallelLine], scale: Scale
) -> Figure:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = new_figure(max(6.4, 1.6 + 1.35 * len(parts)), 4.4)
    axes = figure.subplots()
    values = (one.value for one in lines if one.finished and one.value is not None)
    done = sorted(scale.factor * value for value in values)
    skipped = int(_COLOUR_FROM * len(done))
    ends = (done[skipped], done[-1]) if scale.larger else (done[0], done[len(done) - 1 - skipped])
    norm = Normalize(*ends) if ends[0] < ends[1] else Normalize(ends[0] - 1, ends[1] + 1)
    colours = colormaps["viridis_r" if not scale.larger else "viridis"]
    for line in sorted(lines, key=lambda one: (one.chosen, one.finished)):
        _draw_line(axes, line, scale, norm, colours)
    for place, part in enumerate(parts):
        _draw_axis(axes, shown, place, part)
    names = _last_words([part.name for part in parts])
    axes.set_xticks(range(len(parts)), [shortened(shown(name), _NAME_COLUMNS) for name in names])
    axes.tick_params(axis="x", length=0, pad=12, labelsize=8.5)
    axes.set_yticks([])
    axes.set_xlim(-0.35, len(parts) - 1 + 0.75)
    axes.set_ylim(-0.06, 1.06)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, shrink=0.8, pad=0.01)
    bar.set_label(shown(scale.label), fontsize=8.5)
    return figure


def _last_words(names: Sequence[str]) -> list[str]:
    """What stands behind the last dot, "lr" of "optimizer.lr", of names that it tells apart."""
    words = [name.rpartition(".")[2] for name in names]
    pairs = zip(names, words, strict=True)
    return [word if words.count(word) == 1 else name for name, word in pairs]


def _draw_line(
    axes: Axes, line: ParallelLine, scale: Scale, norm: Normalize, colours: Colormap
) -> None:
    known = [(at, place) for at, place in enumerate(line.places) if place is not None]
    xs, ys = [at for at, _ in known], [place for _, place in known]
    if not line.finished or line.value is None:
        axes.plot(xs, ys, "-", color="#d3d9df", linewidth=0.8, zorder=1)
        return
    colour = colours(norm(scale.factor * line.value))
    if line.chosen:
        axes.plot(xs, ys, "-", color=PALETTE[1], linewidth=5.2, alpha=0.55, zorder=3)
    axes.plot(xs, ys, "-", color=colour, linewidth=2.6 if line.chosen else 1.3, zorder=4)


def _draw_axis(axes: Axes, shown: Shown, place: int, part: ParallelAxis) -> None:
    axes.plot([place, place], [0, 1], color=INK, linewidth=1.0, zorder=5)
    behind = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    for height, text in part.ticks:
        axes.annotate(
            shortened(shown(text), _TICK_COLUMNS),
            (place, height),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=INK,
            zorder=6,
            bbox={**behind, "alpha": 0.75},
        )
