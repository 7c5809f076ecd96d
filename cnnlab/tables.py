"""Tables and sizes as plain text, for terminals and notebooks."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html import escape

__all__ = ["ShownAsText", "bytes_text", "printable", "text_table"]

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class ShownAsText:
    """Shows what ``to_text`` says, in a notebook too."""

    def to_text(self) -> str:
        """What the command line prints of it."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.to_text())}</pre>"


def bytes_text(value: float) -> str:
    """Bytes to three digits, in units of 1,024: "1.5 GiB"."""
    size = float(value)
    for unit in _BYTE_UNITS[:-1]:
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} {_BYTE_UNITS[-1]}"


def printable(text: str) -> str:
    """The text with "?" for what would act on a terminal: line breaks, escape sequences.

    A class, a dataset or a folder may be called anything.
    """
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return printable(f"{value:.4f}" if isinstance(value, float) else str(value))


def _width(text: str) -> int:
    """Columns on a terminal: East Asian wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def text_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under their names: text to the left, numbers to the right, None as "-"."""
    cells = [[_cell(value) for value in row] for row in rows]
    columns = range(len(header))
    widths = [max(_width(line[i]) for line in [list(header), *cells]) for i in columns]
    right = [all(isinstance(row[i], int | float | None) for row in rows) for i in columns]

    def line(values: Sequence[str]) -> str:
        padded = []
        for value, width, to_right in zip(values, widths, right, strict=True):
            gap = " " * (width - _width(value))
            padded.append(gap + value if to_right else value + gap)
        return "  ".join(padded).rstrip()

    return "\n".join([line([_cell(name) for name in header]), *(line(row) for row in cells)])
