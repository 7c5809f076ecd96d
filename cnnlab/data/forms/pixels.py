"""Pixels of any number type -> uint8: which value is white is found out, and never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import DataError

__all__ = ["Values", "choose_white", "range_of", "to_uint8"]

_WHITE = 255
#: Between 1 and this nobody can tell dark images of 0 to 255 from some other range.
_CLEARLY_BYTES = 128


@dataclass(frozen=True)
class Values:
    """What values an array of images holds.

    Attributes
    ----------
    name: what the array is called.
    where: what errors call it: file and name.
    dtype: its type.
    low, high: the least and the greatest value.
    low_row, high_row: the first images that have these.
    """

    name: str
    where: str
    dtype: np.dtype[Any]
    low: float = 0.0
    high: float = _WHITE
    low_row: int = 0
    high_row: int = 0

    def __str__(self) -> str:
        return f"{self.dtype} values reach from {self.low:g} to {self.high:g}"


def range_of(
    blocks: Iterable[NDArray[Any]], dtype: np.dtype[Any], name: str, where: str, *, look: bool
) -> Values:
    """Find the range of images ``[N, ...]`` that come in blocks.

    Raises :class:`DataError` for a type that holds no pixels, and for the first image with a
    value that is no number. Without ``look`` uint8 and bool, whose ranges are known, are not
    read.
    """
    if dtype.kind not in "buif":
        raise DataError(
            f"the images are {dtype}", where=where, expected="uint8, or another type of numbers"
        )
    if dtype.kind == "b":
        return Values(name, where, dtype, 0.0, 1.0)
    if dtype == np.uint8 and not look:
        return Values(name, where, dtype)
    low, high, low_row, high_row, row = np.inf, -np.inf, 0, 0, 0
    for block in blocks:
        flat = block.reshape(len(block), -1)
        lows, highs = flat.min(axis=1), flat.max(axis=1)  # NaN comes through both
        wrong = np.flatnonzero(~(np.isfinite(lows) & np.isfinite(highs)))
        if wrong.size:
            raise DataError(
                "a value is NaN or infinite", where=f"{where}, index {row + int(wrong[0])}"
            )
        if lows.min() < low:
            low, low_row = float(lows.min()), row + int(lows.argmin())
        if highs.max() > high:
            high, high_row = float(highs.max()), row + int(highs.argmax())
        row += len(block)
    return Values(name, where, dtype, low, high, low_row, high_row)


def choose_white(
    arrays: Sequence[Values], asked: float | None = None
) -> tuple[float, tuple[str, ...]]:
    """Decide which value is white in all of a file's images.

    ``asked`` is what the user says. uint8 is taken as it is and bool as black and white; other
    types are taken as 0 to 1 where they stay within, and as 0 to 255 where they come at least
    half-way up to it. Everything else is a :class:`DataError` that says how to tell. Returns the
    value, and notes on what was assumed.
    """
    _check_ends(arrays, asked)
    if asked is not None:
        return asked, ()
    told = {values.where: white for values in arrays if (white := _white_of(values))}
    whites = set(told.values())
    if len(whites) > 1:
        first = next(values for values in arrays if told.get(values.where) == 1)
        other = next(values for values in arrays if told.get(values.where) == _WHITE)
        raise DataError(
            f"{first}, those of {other.name} to {other.high:g}",
            where=first.where,
            expected="one range in all parts",
        )
    for values in arrays:
        if values.high > _WHITE or (values.high > 1 and _WHITE not in whites):
            raise DataError(
                f"{values}",
                where=values.where,
                expected="0 to 1, or 0 to 255",
                todo=f"say which value is white, e.g. --set data.white={_guess(values.high)}",
            )
    white = whites.pop() if whites else 1
    return white, tuple(_note(values, white) for values in arrays if values.dtype != np.uint8)


def to_uint8(block: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """Scale values of 0 to ``white`` to 0 to 255, rounded to the nearest."""
    if block.dtype == np.uint8 and white == _WHITE:
        return block
    scaled: NDArray[np.uint8] = np.rint(block.astype(np.float64) * (_WHITE / white)).astype(
        np.uint8
    )
    return scaled


def _check_ends(arrays: Sequence[Values], asked: float | None) -> None:
    """Refuse values below black and above the white that is asked for."""
    for values in arrays:
        if values.low < 0:
            raise DataError(
                f"{values}",
                where=f"{values.where}, index {values.low_row}",
                expected="0 (black) or more",
                todo="save the pixels as they were before they were normalised",
            )
        if asked is not None and values.high > asked:
            raise DataError(
                f"{values}",
                where=f"{values.where}, index {values.high_row}",
                expected=f"at most {asked:g}, the white that data.white says",
            )


def _white_of(values: Values) -> float | None:
    """The white that an array shows by itself; None where it shows none."""
    if values.dtype == np.uint8 or _CLEARLY_BYTES <= values.high <= _WHITE:
        return _WHITE
    return 1 if 0 < values.high <= 1 else None


def _guess(high: float) -> int:
    """The next value of the form 2^n or 2^n - 1 that is not below: 16 or 4095, say."""
    power = 1
    while power < high:
        power *= 2
    return power - 1 if power - 1 >= high else power


def _note(values: Values, white: float) -> str:
    low, high = f"{values.low:g}", f"{values.high:g}"
    if values.dtype.kind == "b":
        return f"{values.name}: False is black, True is white"
    if white == _WHITE:
        return f"{values.name}: {values.dtype} values of {low} to {high} are taken as 0 to 255"
    return f"{values.name}: {values.dtype} values of {low} to {high} are taken as 0 to 1"
