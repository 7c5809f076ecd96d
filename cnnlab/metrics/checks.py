"""What every metric asks of its arguments before it counts anything."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.errors import InputError

__all__ = [
    "checked_confidence",
    "checked_count",
    "checked_indices",
    "checked_logits",
    "checked_matrix",
    "checked_probabilities",
    "checked_same_length",
]

#: How far a row of probabilities may be from 1: a float32 softmax over thousands of classes.
_SUM_TOLERANCE = 1e-3

#: How far a probability may be above 1 by a float32 rounding.
_ROUNDING = 1e-6


def checked_indices(values: ArrayLike, classes: int, *, what: str) -> NDArray[np.int64]:
    """Return class indices as int64 ``[N]``, all within 0 to ``classes - 1``, N at least 1."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{what} have shape {list(array.shape)}", expected="[N]")
    if array.size == 0:
        raise InputError(f"there are no {what}", expected="at least one image to score")
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{what} are {array.dtype}", expected="whole numbers")
    outside = np.flatnonzero((array < 0) | (array >= classes))
    if outside.size:
        raise InputError(
            f"class {array[outside[0]]}",
            where=f"{what}[{outside[0]}]",
            expected=f"0 to {classes - 1}",
        )
    return array.astype(np.int64, copy=False)


def checked_same_length(first: int, second: int, *, what: str) -> None:
    """Raise unless two lengths agree; ``what`` names both ("labels and predictions")."""
    if first != second:
        raise InputError(f"{what} differ in length: {first} and {second}", expected="one an image")


def _checked_scores(values: ArrayLike, *, what: str) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] == 0:
        raise InputError(f"{what} have shape {list(array.shape)}", expected="[N, classes]")
    if array.shape[0] == 0:
        raise InputError(f"there are no {what}", expected="at least one image to score")
    if array.dtype.kind not in "fiu":
        raise InputError(f"{what} are {array.dtype}", expected="real numbers")
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        row, column = bad[0]
        raise InputError(
            f"{array[row, column]}", where=f"{what}[{row}, {column}]", expected="finite numbers"
        )
    return array.astype(np.float64, copy=False)


def checked_logits(logits: ArrayLike) -> NDArray[np.float64]:
    """Return finite logits as float64 ``[N, C]``, N and C at least 1."""
    return _checked_scores(logits, what="logits")


def checked_probabilities(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return probabilities as float64 ``[N, C]``: within 0 to 1, each row adding up to 1."""
    array = _checked_scores(probabilities, what="probabilities")
    outside = np.argwhere((array < 0) | (array > 1 + _ROUNDING))
    if outside.size:
        row, column = outside[0]
        raise InputError(
            f"{array[row, column]:g}", where=f"probabilities[{row}, {column}]", expected="0 to 1"
        )
    sums = array.sum(axis=1)
    off = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
    if off.size:
        raise InputError(
            f"the row adds up to {sums[off[0]]:g}",
            where=f"probabilities[{off[0]}]",
            expected="1",
            todo="give softmax outputs, not logits",
        )
    return np.minimum(array, 1.0)


def checked_matrix(matrix: ArrayLike) -> NDArray[np.int64]:
    """Return a confusion matrix as int64 ``[C, C]``, of counts, with at least one image."""
    array = np.asarray(matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise InputError(f"a confusion matrix has shape {list(array.shape)}", expected="[C, C]")
    if not np.issubdtype(array.dtype, np.integer) or (array < 0).any():
        raise InputError("a confusion matrix holds something else", expected="counts, 0 or more")
    if array.sum() == 0:
        raise InputError("the confusion matrix is empty", expected="at least one image to score")
    return array.astype(np.int64, copy=False)


def checked_count(value: object, *, name: str, low: int, high: int | None = None) -> int:
    """Return a whole number within ``low`` to ``high`` (None: no upper limit)."""
    expected = f"a whole number, {low} or more" if high is None else f"{low} to {high}"
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # refuses what is no integer
    except TypeError:
        raise InputError(f"{value!r}", where=name, expected=expected) from None
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        raise InputError(f"{value}", where=name, expected=expected)
    return number


def checked_confidence(confidence: float) -> float:
    """Return a confidence level strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise InputError(f"{confidence}", where="confidence", expected="between 0 and 1, e.g. 0.95")
    return float(confidence)
