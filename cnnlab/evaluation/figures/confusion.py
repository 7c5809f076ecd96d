"""The confusion matrix as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.picture import Picture, new_figure
from cnnlab.evaluation.figures.text import shortened, width_of
from cnnlab.metrics.checks import checked_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

__all__ = ["COUNTS_UP_TO", "confusion_heat_map"]

#: Most classes for which each cell says its count.
COUNTS_UP_TO = 20

_VECTOR_UP_TO = 40
_MOST_NAMES = 45
_NAME_COLUMNS = 26
_INCHES_A_COLUMN = 0.082
_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)


def confusion_heat_map(matrix: ArrayLike, class_names: Sequence[str]) -> Picture:
    """Draw counts ``[C, C]``: rows are true classes, columns are predicted ones.

    The colour is the share of the row's images, on a square-root scale so that rare mistakes
    are seen; a row without images is grey. Counts are written while there are at most 20
    classes; from 46 classes on, one in so many is named, as the axes say.
    Raises :class:`InputError` for an empty matrix or another number of names than of rows.
    """
    counts = checked_matrix(matrix)
    if len(class_names) != len(counts):
        raise InputError(f"{len(class_names)} class names for {len(counts)} rows")
    return Picture(lambda shown: _draw(counts, [_label(shown(name)) for name in class_names]))


def _label(name: str) -> str:
    return shortened(name, _NAME_COLUMNS) or "(no name)"


def _draw(counts: NDArray[np.int64], names: Sequence[str]) -> Figure:
    classes = len(counts)
    digits = len(str(counts.max()))
    cell = min(1.6, max(5.2 / classes, 0.12 + 0.07 * digits))
    side = cell * classes if classes <= COUNTS_UP_TO else 6.0
    words = _INCHES_A_COLUMN * max(map(width_of, names))
    figure = new_figure(side + words + 1.7, side + min(words, 2.2) + 0.8, fixed_aspect=True)
    axes = figure.add_subplot(aspect="equal")
    support = counts.sum(axis=1, keepdims=True)
    shares = np.ma.masked_where(
        np.broadcast_to(support == 0, counts.shape), counts / np.maximum(support, 1)
    )
    _paint(figure, axes, shares)
    _name_axes(axes, names, side / classes)
    if classes <= COUNTS_UP_TO:
        _write_counts(axes, counts, shares)
    return figure


def _paint(figure: Figure, axes: Axes, shares: np.ma.MaskedArray) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import PercentFormatter

    colours = colormaps["Blues"].with_extremes(bad="#d9d9d9")
    norm = PowerNorm(0.5, vmin=0, vmax=1)
    classes = len(shares)
    image: ScalarMappable
    axes.grid(visible=False)
    if classes <= _VECTOR_UP_TO:
        edges = np.arange(classes + 1) - 0.5
        image = axes.pcolormesh(
            edges, edges, shares, cmap=colours, norm=norm, edgecolors="white", linewidth=0.4
        )
        axes.invert_yaxis()
    else:
        image = axes.imshow(shares, cmap=colours, norm=norm)
    axes.spines[:].set_visible(True)
    bar = figure.colorbar(image, ax=axes, ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1], aspect=30)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bar.set_label("share of the true class (square-root scale)")
    bar.outline.set_visible(False)


def _name_axes(axes: Axes, names: Sequence[str], pitch: float) -> None:
    """Name rows and columns; ``pitch`` is the inches from one to the next."""
    step = next((s for s in _STEPS if len(names) / s <= _MOST_NAMES), math.ceil(len(names) / 20))
    ticks = range(0, len(names), step)
    some = [names[tick] for tick in ticks]
    size = 8.5 if len(names) <= COUNTS_UP_TO else 7.0
    level = max(map(width_of, some)) * _INCHES_A_COLUMN * 1.1 < pitch * step
    steep = 0 if level else 45 if len(names) <= COUNTS_UP_TO else 90
    axes.set_yticks(ticks, labels=some, fontsize=size)
    axes.set_xticks(
        ticks,
        labels=some,
        fontsize=size,
        rotation=steep,
        rotation_mode="anchor",
        ha="center" if level else "right",
        va="top" if steep < 90 else "center",
    )
    axes.tick_params(length=2)
    note = "" if step == 1 else f" (one in {step} of {len(names):,} is named)"
    axes.set_ylabel(f"True class{note}")
    axes.set_xlabel(f"Predicted class{note}")


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: np.ma.MaskedArray) -> None:
    size = 8.5 if len(counts) > 4 else 11
    for row, column in np.ndindex(counts.shape):
        share = shares[row, column]
        dark = share is not np.ma.masked and share > 0.4
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            in_layout=False,  # it is inside its cell; measuring it would double the time
            fontsize=size,
            color="white" if dark else "#1b2733" if counts[row, column] else "#a6b0bb",
        )
