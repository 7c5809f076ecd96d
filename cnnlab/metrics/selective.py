"""How right a network is where it is sure: accuracy against the share of images it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.checks import checked_indices, checked_probabilities, checked_same_length

__all__ = ["CoverageCurve", "coverage_curve"]


@dataclass(frozen=True, eq=False)
class CoverageCurve:
    """Accuracy among the images of greatest confidence, for every number of them.

    Attributes
    ----------
    coverage: float64 ``[N]``, the share of images that is answered: 1/N, 2/N ... 1.
    accuracy: float64 ``[N]``, the share of those that is right.
    """

    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Mean accuracy over all coverages, 0 to 1: one minus the AURC of the literature."""
        return float(self.accuracy.mean())

    def accuracy_at(self, coverage: float) -> float:
        """Accuracy where this share of the images, above 0 and at most 1, is answered."""
        if not 0 < coverage <= 1:
            raise InputError(f"{coverage}", where="coverage", expected="above 0, at most 1")
        count = max(1, round(coverage * len(self.accuracy)))
        return float(self.accuracy[count - 1])


def coverage_curve(probabilities: ArrayLike, labels: ArrayLike) -> CoverageCurve:
    """Leave out the images of least confidence one by one (El-Yaniv and Wiener, 2010).

    Confidence is the probability of the predicted class, of ``[N, C]``. Among images of equal
    confidence each answers first equally often, so the order of the images does not matter.
    """
    shares = checked_probabilities(probabilities)
    true = checked_indices(labels, shares.shape[1], what="labels")
    checked_same_length(len(shares), len(true), what="rows of probabilities and labels")
    right = (shares.argmax(axis=1) == true).astype(np.float64)
    _, group = np.unique(-shares.max(axis=1), return_inverse=True)
    counts = np.bincount(group)
    expected = np.repeat(np.bincount(group, weights=right) / counts, counts)
    answered = np.arange(1, len(true) + 1)
    return CoverageCurve(answered / len(true), np.cumsum(expected) / answered)
