"""What follows from the measurements, computed: differences, confusions, gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnlab.evaluation.compare import validated_alike
from cnnlab.metrics import LEVEL, PairedComparison, holm
from cnnlab.reports.reproduction.subject import Subject

__all__ = ["Confusion", "PairFinding", "confusion_of", "half_width", "pair_findings"]


@dataclass(frozen=True)
class PairFinding:
    """Two of the report's models on the same validation images.

    Attributes
    ----------
    a, b: the models; by the report's matrices ``a`` is ahead of ``b``, or level with it.
    reported: the report's accuracy of a minus that of b, 0 to 1.
    measured: the same of our runs, with its interval.
    p_adjusted: McNemar's p-value, adjusted by Holm's method for the number of pairs.
    """

    a: Subject
    b: Subject
    reported: float
    measured: PairedComparison
    p_adjusted: float

    @property
    def outcome(self) -> str:
        """Whether the report's order holds in our runs."""
        if self.p_adjusted >= LEVEL:
            return "no detectable difference"
        return "holds" if self.measured.difference > 0 else "reversed"


def pair_findings(subjects: Sequence[Subject]) -> list[PairFinding]:
    """Compare every two models that were validated on the same images, the best first."""
    ordered = sorted(subjects, key=lambda subject: -(subject.reported.validation or 0))
    compared = [
        (a, b, result)
        for a, b in combinations(ordered, 2)
        if (result := validated_alike(a.record.run, b.record.run)) is not None
    ]
    adjusted = holm([result.p_value for _, _, result in compared])
    return [
        PairFinding(a, b, (a.reported.validation or 0) - (b.reported.validation or 0), result, p)
        for (a, b, result), p in zip(compared, adjusted, strict=True)
    ]


def half_width(share_a: float, share_b: float, n: int) -> float:
    """Half the 95% interval of a difference of two shares, each of ``n`` images of its own.

    The report's models saw the same images, but only their totals are known: an interval for
    independent samples is then a little too wide.
    """
    return 1.96 * math.sqrt((share_a * (1 - share_a) + share_b * (1 - share_b)) / n)


class Confusion(NamedTuple):
    """The two classes taken for one another most often, and the class recognised least."""

    pair: tuple[int, int]
    mistaken: int
    weakest: int
    recall: float


def confusion_of(matrix: NDArray[np.int64]) -> Confusion:
    """Read a confusion matrix ``[C, C]`` of at least two classes, rows true classes."""
    both_ways = np.triu(matrix + matrix.T, k=1)
    first, second = divmod(int(both_ways.argmax()), len(matrix))
    support = matrix.sum(axis=1)
    recall = np.where(support > 0, matrix.diagonal() / np.maximum(support, 1), np.inf)
    weakest = int(recall.argmin())
    return Confusion(
        (first, second), int(both_ways[first, second]), weakest, float(recall[weakest])
    )
