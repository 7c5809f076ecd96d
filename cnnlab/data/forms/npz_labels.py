"""The labels in a ``.npz`` file: whole numbers, one-hot rows or text -> one number an image."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.data.forms.npz_members import Member
from cnnlab.data.labels import (
    Labelled,
    Place,
    check_class_names,
    label_numbers,
    label_texts,
)
from cnnlab.data.tree import shown
from cnnlab.errors import DataError

__all__ = ["places_in", "read_labels"]

#: Up to here a float64 is exact in whole numbers.
_EXACT = 2.0**53


def read_labels(arrays: Sequence[Member], class_names: Member | None) -> Labelled:
    """Read the labels of all parts, one array each, in order.

    ``class_names`` is text ``[K]``: numbers and one-hot rows are indices into it, text labels
    are among it. Raises :class:`DataError` naming array and index.
    """
    names = _class_names(class_names) if class_names else None
    place = places_in(arrays)
    if all(array.dtype.kind in "SU" for array in arrays):
        return label_texts([text for array in arrays for text in _texts(array)], place, names)
    numbers = [_numbers(array) for array in arrays]
    widths = {width for _, width in numbers if width}
    if len(widths) > 1 or (widths and names and len(names) not in widths):
        raise DataError(
            f"one-hot rows of {' and '.join(map(str, sorted(widths)))} numbers",
            where=arrays[0].where,
            expected=f"{len(names)}, as there are class names"
            if names
            else "the same in all parts",
        )
    if widths and names is None:
        names = tuple(map(str, range(widths.pop())))
    return label_numbers(np.concatenate([values for values, _ in numbers]), place, names)


def places_in(arrays: Sequence[Member]) -> Place:
    """Say of a row of all arrays together in which it stands, and where in that."""
    ends = list(accumulate(array.shape[0] for array in arrays))

    def place(row: int) -> str:
        at = bisect_right(ends, row)
        return f"{arrays[at].where}, index {row - (ends[at - 1] if at else 0)}"

    return place


def _class_names(array: Member) -> tuple[str, ...]:
    return check_class_names(_texts(array), array.where)


def _texts(array: Member) -> list[str]:
    values = _column(array, array.read())
    if array.dtype.kind == "U":
        return [str(text) for text in values]
    try:
        return [bytes(text).decode() for text in values]
    except UnicodeDecodeError as error:
        raise DataError(
            f"'{shown(error.object.decode(errors='replace'))}' is not valid UTF-8",
            where=array.where,
        ) from error


def _numbers(array: Member) -> tuple[NDArray[np.int64], int]:
    """The labels as whole numbers ``[N]``, and the width of one-hot rows (0: they are none)."""
    kind = array.dtype.kind
    if kind not in "buif":
        raise DataError(
            f"the labels are {array.dtype}",
            where=array.where,
            expected="whole numbers, one-hot rows or text",
        )
    values = array.read()
    if kind == "f":
        _check_whole(array, values)
    if values.ndim == 2 and values.shape[1] > 1:
        return _from_one_hot(array, values), values.shape[1]
    column = _column(array, values)
    if kind == "u" and column.max(initial=0) > np.iinfo(np.int64).max:
        row = int(column.argmax())
        raise DataError(f"label {column[row]}", where=f"{array.where}, index {row}")
    return column.astype(np.int64), 0


def _column(array: Member, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"labels of shape {list(array.shape)}",
            where=array.where,
            expected="one an image: [N], [N, 1], or one-hot rows [N, K]",
        )
    return values


def _check_whole(array: Member, values: NDArray[np.floating]) -> None:
    exact = values.astype(np.float64)
    wrong = np.argwhere(~((exact == np.floor(exact)) & (np.abs(exact) < _EXACT)))
    if wrong.size:
        value = values[tuple(wrong[0])]
        raise DataError(
            f"label {value:g}",
            where=f"{array.where}, index {wrong[0][0]}",
            expected="a whole number, the index of a class",
            todo="values that are measured and not classes cannot be learnt here",
        )


def _from_one_hot(array: Member, values: NDArray[Any]) -> NDArray[np.int64]:
    hot = values == 1
    wrong = np.flatnonzero((hot.sum(axis=1) != 1) | ((values != 0).sum(axis=1) != 1))
    if wrong.size:
        raise DataError(
            f"the row of {values.shape[1]} numbers is not one-hot",
            where=f"{array.where}, index {wrong[0]}",
            expected="a single 1 and zeros, or one whole number an image",
            todo="images of several classes at once cannot be learnt here",
        )
    found: NDArray[np.int64] = hot.argmax(axis=1).astype(np.int64)
    return found
