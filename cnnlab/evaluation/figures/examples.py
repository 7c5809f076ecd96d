"""Rows of example images, each under its heading, with a line below every image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.evaluation.figures.mosaic import mosaic
from cnnlab.evaluation.figures.picture import GREY, Picture, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened, width_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST_IN_A_ROW", "ExampleRow", "example_rows"]

#: Images that fit side by side.
MOST_IN_A_ROW = 8

_IMAGE, _GAP = 0.92, 0.14
_HEADING, _CAPTION = 0.2, 0.34
_COLUMNS_AN_INCH, _BOLD_AN_INCH = 15.0, 10.0


@dataclass(frozen=True, eq=False)
class ExampleRow:
    """A row: images uint8 ``[K, H, W, C]``, K at most :data:`MOST_IN_A_ROW`, a caption each."""

    heading: str
    images: NDArray[np.uint8]
    captions: Sequence[str]


def example_rows(rows: Sequence[ExampleRow]) -> Picture:
    """Draw the rows below each other; all images are of one size.

    Raises :class:`InputError` for no row, an empty or overlong one, or captions that do not fit.
    """
    for row in rows:
        if not 1 <= len(row.images) <= MOST_IN_A_ROW or len(row.captions) != len(row.images):
            raise InputError(
                f"{len(row.captions)} captions for {len(row.images)} images",
                where=row.heading,
                expected=f"one each, 1 to {MOST_IN_A_ROW}",
            )
    if not rows:
        raise InputError("no example to draw", expected="at least one row")
    return Picture(lambda shown: _draw(shown, rows))


def _draw(shown: Shown, rows: Sequence[ExampleRow]) -> Figure:
    wide = _width(rows, shown)
    each = _HEADING + _IMAGE + _CAPTION
    tall = each * len(rows) + _GAP
    figure = new_figure(wide, tall, placed=True)
    for number, row in enumerate(rows):
        top = number * each + _GAP / 2
        _write(figure, _GAP, top, shown(row.heading), wide - 2 * _GAP, heading=True)
        for column, caption in enumerate(row.captions):
            left, upper = _GAP + column * (_IMAGE + _GAP), top + _HEADING
            place = (left / wide, 1 - (upper + _IMAGE) / tall, _IMAGE / wide, _IMAGE / tall)
            axes = figure.add_axes(place)
            axes.set_axis_off()
            image = mosaic(row.images[column : column + 1], np.zeros(1, np.int64), (1, 1), gap=0.0)
            axes.imshow(image, interpolation="none")
            _write(figure, left, upper + _IMAGE + 0.03, shown(caption), _IMAGE + _GAP / 2)
    return figure


def _width(rows: Sequence[ExampleRow], shown: Shown) -> float:
    """So many inches that images and headings fit; a heading longer than a full row is cut."""
    most, full = (
        columns * (_IMAGE + _GAP) + _GAP
        for columns in (max(4, *(len(row.images) for row in rows)), MOST_IN_A_ROW)
    )
    heading = max(width_of(shown(row.heading)) for row in rows)
    return max(most, min(full, (heading + 1) / _BOLD_AN_INCH + 2 * _GAP))


def _write(
    figure: Figure, left: float, top: float, text: str, room: float, *, heading: bool = False
) -> None:
    """Write a line at so many inches from the left and the top, cut to ``room`` inches."""
    wide, tall = figure.get_size_inches()
    figure.text(
        left / wide,
        1 - top / tall,
        shortened(text, int(room * (_BOLD_AN_INCH if heading else _COLUMNS_AN_INCH))),
        fontsize=9.0 if heading else 7.5,
        fontweight="bold" if heading else "normal",
        color="#1b2733" if heading else GREY,
        va="top",
    )
