"""Pairs -> what hangs together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["tied"]

Rows = NDArray[np.int64]


def tied(count: int, first: Rows, second: Rows) -> Rows:
    """The lowest row that each of ``count`` is tied to by pairs, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ties = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    _, members = connected_components(ties, directed=False)
    _, lowest = np.unique(members, return_index=True)
    return np.asarray(lowest[members], dtype=np.int64)
