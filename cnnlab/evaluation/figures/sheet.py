"""A sheet with a title, lines under it and notes below, on which axes are placed in inches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnlab.evaluation.figures.picture import GREY, INK, Shown, new_figure
from cnnlab.evaluation.figures.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MARGIN", "Sheet", "inches_of"]

#: Free on every side.
MARGIN = 0.22

_TITLE_SIZE, _LINE_SIZE, _NOTE_SIZE = 13.0, 9.0, 8.0
_TITLE_HEIGHT, _LINE_HEIGHT, _SPACE = 0.36, 0.19, 0.08
_INCHES_A_POINT = 0.0092


def inches_of(columns: int, size: float = _LINE_SIZE) -> float:
    """The width of so many columns of text at a size in points; letters are seldom wider."""
    return columns * size * _INCHES_A_POINT


def _columns(inches: float, size: float) -> int:
    return int(inches / (size * _INCHES_A_POINT))


class Sheet:
    """A figure whose parts are put in place, in inches from its upper left corner.

    Attributes
    ----------
    figure: the matplotlib figure.
    """

    def __init__(
        self,
        shown: Shown,
        title: str,
        lines: Sequence[str],
        notes: Sequence[str],
        *,
        width: float,
        height: float,
    ) -> None:
        """Make room of ``width`` and ``height`` for axes, between the words around them."""
        room = width - 2 * MARGIN
        lines = [shortened(shown(line), _columns(room, _LINE_SIZE)) for line in lines]
        columns = _columns(room, _NOTE_SIZE)
        notes = [line for note in notes for line in textwrap.wrap(shown(note), columns)]
        self._top = MARGIN + _TITLE_HEIGHT + _LINE_HEIGHT * len(lines) + _SPACE
        self._width = width
        self._height = self._top + height + _LINE_HEIGHT * len(notes) + MARGIN
        self.figure = new_figure(self._width, self._height, placed=True)
        # Bold letters are wider.
        words = shortened(shown(title), int(0.9 * _columns(room, _TITLE_SIZE)))
        self._write(MARGIN, words, _TITLE_SIZE, INK, "bold")
        for number, line in enumerate(lines):
            at = MARGIN + _TITLE_HEIGHT + _LINE_HEIGHT * number
            self._write(at, line, _LINE_SIZE, GREY, "normal")
        for number, line in enumerate(notes):
            at = self._top + height + _LINE_HEIGHT * number
            self._write(at, line, _NOTE_SIZE, GREY, "normal")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes; ``top`` counts from where the room for them begins."""
        bottom = self._height - self._top - top - height
        across, down = self._width, self._height
        return self.figure.add_axes((left / across, bottom / down, width / across, height / down))

    def _write(self, top: float, text: str, size: float, colour: str, weight: str) -> None:
        self.figure.text(
            MARGIN / self._width,
            1 - top / self._height,
            text,
            fontsize=size,
            color=colour,
            fontweight=weight,
            va="top",
        )
