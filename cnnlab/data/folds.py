"""Dividing rows into folds, so that each is predicted by a network that has not seen it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_folds"]


def draw_folds(
    labels: NDArray[np.int64], groups: NDArray[np.int64], *, folds: int, seed: int
) -> NDArray[np.int64]:
    """Give each row a fold, 0 to ``folds - 1``; a function of its arguments alone.

    Rows of one group (copies of an image) share a fold. Groups are dealt out in turn, class by
    class (that of their first row) in a drawn order: where every group is one row, the folds of
    a class differ by at most one row.

    Parameters
    ----------
    labels, groups: int64 ``[N]``; a group may be called by any number.

    Returns
    -------
    int64 ``[N]``.
    """
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    drawn = np.random.default_rng([seed, 0xF01D]).permutation(len(first))
    order = drawn[np.argsort(labels[first[drawn]], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % folds
    return fold[member]
