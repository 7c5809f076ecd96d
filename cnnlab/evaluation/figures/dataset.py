"""What is in a dataset: some images of each class, and how many there are in each part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.mosaic import mosaic
from cnnlab.evaluation.figures.picture import GREY, PALETTE, Picture, Shown
from cnnlab.evaluation.figures.sheet import MARGIN, Sheet, inches_of
from cnnlab.evaluation.figures.text import shortened, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ROWS_UP_TO", "SAMPLES_A_CLASS", "DatasetFigure", "dataset_figure"]

#: Most classes that get a row of their own, with several samples.
ROWS_UP_TO = 20

#: Samples of a class in its row; beyond that many classes each has one.
SAMPLES_A_CLASS = 10

_NAME_COLUMNS = 26
_BARS_WIDTH, _COUNT_WIDTH, _LEGEND_HEIGHT = 2.3, 0.62, 0.42
_NARROWEST = 7.0

_TILE_COLUMNS, _MOST_TILES = 10, 100
_TILE, _TILE_NAME, _TILE_FONT = 0.86, 0.2, 6.8
_CHART_LEFT, _CHART_TOP, _CHART_HEIGHT, _CHART_BOTTOM = 0.6, 0.4, 1.5, 0.6


@dataclass(frozen=True)
class DatasetFigure:
    """What the picture says.

    Attributes
    ----------
    title: the dataset's name.
    lines: what stands under the title, a line each.
    notes: what stands below the picture.
    class_names: in label order.
    counts: by part, int64 ``[C]``: its images of each class.
    """

    title: str
    lines: Sequence[str]
    notes: Sequence[str]
    class_names: Sequence[str]
    counts: Mapping[str, NDArray[np.int64]]

    def sheet(self, shown: Shown, width: float, height: float) -> Sheet:
        """Words around room for axes, in inches."""
        return Sheet(shown, self.title, self.lines, self.notes, width=width, height=height)


def dataset_figure(
    content: DatasetFigure, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Picture:
    """Draw samples, uint8 ``[N, H, W, C]`` with their labels int64 ``[N]``, and class balance.

    Up to 20 classes have a row each: name, up to ten samples, and a bar a part. Of more classes
    at most 100, evenly chosen, show one sample each, above a chart of all their counts.
    Raises :class:`InputError` where names, counts and labels do not fit together.
    """
    classes = len(content.class_names)
    if not content.counts or any(len(counts) != classes for counts in content.counts.values()):
        raise InputError("counts do not fit the classes", expected=f"{classes} a part")
    if not len(labels) or len(images) != len(labels):
        raise InputError(f"{len(labels)} labels for {len(images)} samples", expected="one each")
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError("a sample of no class", expected=f"labels 0 to {classes - 1}")
    if classes <= ROWS_UP_TO:
        return Picture(lambda shown: _draw_rows(shown, content, images, labels))
    _, firsts = np.unique(labels, return_index=True)
    if len(firsts) > _MOST_TILES:
        told = f"one image each of {_MOST_TILES} of the {classes:,} classes"
        content = replace(content, lines=[*content.lines, told])
        firsts = firsts[np.linspace(0, len(firsts) - 1, _MOST_TILES).astype(np.int64)]
    return Picture(lambda shown: _draw_tiles(shown, content, images[firsts], labels[firsts]))


def _draw_rows(
    shown: Shown, content: DatasetFigure, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Figure:
    names = [_label(shown(name)) for name in content.class_names]
    classes = len(names)
    # The how many-th of its class each sample is.
    place = np.array([np.count_nonzero(labels[:i] == label) for i, label in enumerate(labels)])
    kept = np.flatnonzero(place < SAMPLES_A_CLASS)
    columns = int(place[kept].max()) + 1
    cell = min(0.8, max(0.42, 5.0 / classes))
    left = MARGIN + inches_of(max(map(width_of, names))) + 0.12
    right = left + cell * columns + 0.2
    width = max(right + _BARS_WIDTH + _COUNT_WIDTH + MARGIN, _NARROWEST)
    sheet = content.sheet(shown, width, cell * classes + _LEGEND_HEIGHT)
    axes = sheet.axes(left, 0, cell * columns, cell * classes)
    _show(axes, mosaic(images[kept], labels[kept] * columns + place[kept], (classes, columns)))
    axes.set_yticks((np.arange(classes) + 0.5) / classes, labels=names, fontsize=9)
    axes.tick_params(length=0, pad=4)
    bars = sheet.axes(right, 0, _BARS_WIDTH, cell * classes)
    _draw_bars(bars, shown, content, cell)
    return sheet.figure


def _show(axes: Axes, picture: NDArray[np.uint8]) -> None:
    axes.imshow(picture, extent=(0, 1, 1, 0), aspect="auto", interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_bars(axes: Axes, shown: Shown, content: DatasetFigure, cell: float) -> None:
    """A row a class, in it a bar a part, each with its count behind it."""
    classes, parts = len(content.class_names), len(content.counts)
    thickness = min(0.8 / parts, 0.26 / cell)
    for at, (part, counts) in enumerate(content.counts.items()):
        heights = np.arange(classes) + 0.5 + (at - (parts - 1) / 2) * thickness
        bars = axes.barh(heights, counts, thickness * 0.9, color=PALETTE[at], label=shown(part))
        axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=7, color=GREY)
    axes.set_ylim(classes, 0)
    axes.set_xlim(0, max(1, *(counts.max() for counts in content.counts.values())))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)
    _add_legend(axes, "upper left", (0, -0.06 / classes / cell))


def _draw_tiles(
    shown: Shown, content: DatasetFigure, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Figure:
    rows = math.ceil(len(labels) / _TILE_COLUMNS)
    width, height = _TILE * _TILE_COLUMNS, (_TILE + _TILE_NAME) * rows
    below = _CHART_TOP + _CHART_HEIGHT + _CHART_BOTTOM
    sheet = content.sheet(shown, width + 2 * MARGIN, height + below)
    for row in range(rows):
        part = slice(row * _TILE_COLUMNS, (row + 1) * _TILE_COLUMNS)
        axes = sheet.axes(MARGIN, row * (_TILE + _TILE_NAME), width, _TILE)
        tiles = np.arange(len(labels[part]))
        _show(axes, mosaic(images[part], tiles, (1, _TILE_COLUMNS), gap=0.12))
        for column, label in enumerate(labels[part]):
            name = _label(shown(content.class_names[label]))
            words = shortened(name, int(_TILE / inches_of(1, _TILE_FONT)))
            middle = (column + 0.5) / _TILE_COLUMNS
            axes.text(middle, 1.0, words, fontsize=_TILE_FONT, ha="center", va="top")
    chart = sheet.axes(
        MARGIN + _CHART_LEFT, height + _CHART_TOP, width - _CHART_LEFT, _CHART_HEIGHT
    )
    _draw_chart(chart, shown, content)
    return sheet.figure


def _draw_chart(axes: Axes, shown: Shown, content: DatasetFigure) -> None:
    """Counts from the largest to the smallest class, a line a part."""
    edges = np.arange(len(content.class_names) + 1)
    for at, (part, counts) in enumerate(content.counts.items()):
        falling = np.sort(counts)[::-1]
        axes.stairs(falling, edges, fill=True, color=PALETTE[at], alpha=0.18)
        axes.stairs(falling, edges, color=PALETTE[at], label=shown(part), linewidth=1.2)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.08 * max(1, *(counts.max() for counts in content.counts.values())))
    axes.set_ylabel("images")
    axes.set_xlabel("classes of each part, the largest first")
    axes.locator_params(integer=True)
    _add_legend(axes, "lower right", (1, 1))


def _add_legend(
    axes: Axes, corner: Literal["upper left", "lower right"], anchor: tuple[float, float]
) -> None:
    """In one row, its corner at a point of the axes."""
    axes.legend(
        loc=corner,
        bbox_to_anchor=anchor,
        ncols=len(PALETTE),
        borderaxespad=0.2,
        handlelength=1.1,
        columnspacing=1.2,
        fontsize=8,
    )


def _label(name: str) -> str:
    return shortened(name, _NAME_COLUMNS) or "(no name)"
