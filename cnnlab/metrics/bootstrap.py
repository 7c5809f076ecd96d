"""How sure a mean over classes is: images drawn anew, with replacement."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.metrics.checks import checked_confidence, checked_count, checked_matrix
from cnnlab.metrics.statistics import Interval, wilson_interval

__all__ = ["MacroIntervals", "macro_intervals"]

_RESAMPLES = 4_000
#: Counts held in memory at once.
_BLOCK = 4_000_000
#: An interval that is no wider has no width.
_ROUNDING = 1e-12


class MacroIntervals(NamedTuple):
    """Intervals of two means over classes, each within 0 to 1."""

    macro_f1: Interval
    balanced_accuracy: Interval


def macro_intervals(
    matrix: ArrayLike, confidence: float = 0.95, *, resamples: int = _RESAMPLES, seed: int = 0
) -> MacroIntervals:
    """Bootstrap intervals of macro F1 and balanced accuracy over images (BCa: Efron, 1987).

    Each resample draws as many images as a confusion matrix ``[C, C]`` counts, with replacement:
    a multinomial over its cells, so no single image is touched. BCa was chosen by simulation,
    for the plain percentiles miss on one side, and with a few images a class too often
    (docs/results/statistics.md). Where every image is right, or none is, or hardly a
    resample differs (one class is said of all images), they say nothing; Wilson's interval of all
    images stands in.
    """
    counts = checked_matrix(matrix)
    tail = (1 - checked_confidence(confidence)) / 2
    resamples = checked_count(resamples, name="resamples", low=100)
    cells = _Cells(counts)
    right = int(np.trace(counts))
    if right in (0, cells.n):
        interval = wilson_interval(right, cells.n, confidence)
        return MacroIntervals(interval, interval)
    generator, drawn = np.random.default_rng(seed), []
    block = max(1, _BLOCK // len(cells.counts))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn.append(cells.means(generator.multinomial(cells.n, cells.shares, size=size)))
    means, estimate = np.concatenate(drawn), cells.means(cells.counts[None])[0]
    left_out = cells.left_out()
    found = [
        _bca(float(estimate[i]), means[:, i], left_out[:, i], cells.counts, tail) for i in (0, 1)
    ]
    f1, balanced = (
        one
        if one.high - one.low > _ROUNDING
        else wilson_interval(round(share * cells.n), cells.n, confidence)
        for one, share in zip(found, estimate.tolist(), strict=True)
    )
    return MacroIntervals(f1, balanced)


def _bca(
    estimate: float,
    means: NDArray[np.float64],
    left_out: NDArray[np.float64],
    weights: NDArray[np.int64],
    tail: float,
) -> Interval:
    """The percentiles that correct for bias and for a spread that moves with the estimate.

    ``left_out``: the estimate without one image of a cell, which holds ``weights`` images.
    """
    normal = NormalDist()
    below = float((means < estimate).mean() + (means == estimate).mean() / 2)
    least = 1 / (2 * len(means))
    bias = normal.inv_cdf(min(max(below, least), 1 - least))
    apart = np.average(left_out, weights=weights) - left_out
    squares = float((weights * apart**2).sum())
    cubes = float((weights * apart**3).sum())
    acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0

    def share(quantile: float) -> float:
        moved = bias + quantile
        return normal.cdf(bias + moved / (1 - acceleration * moved))

    z = normal.inv_cdf(1 - tail)
    low, high = np.quantile(means, [share(-z), share(z)])
    return Interval(float(low), float(high))


class _Cells:
    """The cells of a confusion matrix that hold an image, row by row."""

    def __init__(self, matrix: NDArray[np.int64]) -> None:
        rows, columns = np.nonzero(matrix)
        self.counts = matrix[rows, columns]
        self.n = int(self.counts.sum())
        self.shares = self.counts / self.n
        self._hits = rows == columns
        self._classes = len(matrix)
        self._rows, self._columns = rows, columns

    def means(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Macro F1 and balanced accuracy, float64 ``[B, 2]``, of counts ``[B, cells]``.

        As ``cnnlab.metrics.confusion`` has them: of the classes that occur.
        """
        hits = np.zeros((len(counts), self._classes))
        hits[:, self._rows[self._hits]] = counts[:, self._hits]
        support = self._sums(counts, self._rows)
        predicted = self._sums(counts, self._columns)
        together = support + predicted
        f1 = 2 * hits / np.maximum(together, 1)
        recall = hits / np.maximum(support, 1)
        return np.stack(
            [
                f1.sum(axis=1) / np.maximum((together > 0).sum(axis=1), 1),
                recall.sum(axis=1) / np.maximum((support > 0).sum(axis=1), 1),
            ],
            axis=1,
        )

    def left_out(self) -> NDArray[np.float64]:
        """The means without one image of each cell in turn, ``[cells, 2]``."""
        found = []
        block = max(1, _BLOCK // len(self.counts))
        for start in range(0, len(self.counts), block):
            cells = np.arange(start, min(start + block, len(self.counts)))
            counts = np.repeat(self.counts[None], len(cells), axis=0)
            counts[np.arange(len(cells)), cells] -= 1
            found.append(self.means(counts))
        return np.concatenate(found)

    def _sums(self, counts: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sum the cells of each class, ``[B, C]``."""
        order = np.argsort(classes, kind="stable")
        present, starts = np.unique(classes[order], return_index=True)
        sums = np.zeros((len(counts), self._classes))
        sums[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
        return sums
