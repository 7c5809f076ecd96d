"""How many images each class has in each part, and whether parts differ in that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Balance", "Shift", "class_balance"]


@dataclass(frozen=True)
class Shift:
    """Whether a part has other shares of the classes than the first part has.

    Attributes
    ----------
    p_value: of Pearson's chi-squared test that both are draws from the same shares.
    distance: total variation distance between the shares, 0 to 1.
    """

    part: str
    reference: str
    p_value: float
    distance: float


@dataclass(frozen=True, eq=False)
class Balance:
    """Counts of classes by part.

    Attributes
    ----------
    counts: by part, int64 ``[C]``.
    ratios: by part, the largest class's images over the smallest one's that has any.
    missing: by part, labels without an image.
    shifts: of each part but the first, against the first.
    """

    counts: Mapping[str, NDArray[np.int64]]
    ratios: Mapping[str, float]
    missing: Mapping[str, Sequence[int]]
    shifts: Sequence[Shift]


def class_balance(
    labels: NDArray[np.int64], classes: int, parts: Mapping[str, NDArray[np.int64]]
) -> Balance:
    """Count ``labels`` int64 ``[N]`` in each part (rows by name, none of them empty)."""
    counts = {
        part: np.bincount(labels[rows], minlength=classes).astype(np.int64)
        for part, rows in parts.items()
    }
    first, *others = counts
    return Balance(
        counts=counts,
        ratios={part: float(some.max() / some[some > 0].min()) for part, some in counts.items()},
        missing={part: np.flatnonzero(some == 0).tolist() for part, some in counts.items()},
        shifts=[_shift(part, counts[part], first, counts[first]) for part in others],
    )


def _shift(
    part: str, counts: NDArray[np.int64], reference: str, others: NDArray[np.int64]
) -> Shift:
    from scipy.stats import chi2_contingency

    table = np.stack([counts, others])
    table = table[:, table.sum(axis=0) > 0]
    p_value = 1.0
    if table.shape[1] > 1:  # Pearson's own, for two classes too
        p_value = float(chi2_contingency(table, correction=False).pvalue)
    distance = float(np.abs(counts / counts.sum() - others / others.sum()).sum() / 2)
    return Shift(part, reference, p_value, distance)
