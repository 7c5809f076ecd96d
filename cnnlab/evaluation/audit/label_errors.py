"""Labels that are likely wrong: by the predictions of networks that have not seen the images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnlab.metrics.confident_learning import LabelNoise, find_label_errors

__all__ = ["LabelErrors", "label_errors"]


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """What out-of-fold predictions say of labels.

    Attributes
    ----------
    noise: see :class:`cnnlab.metrics.confident_learning.LabelNoise`; its suspects are rows.
    probabilities: float32 ``[N, C]``.
    folds: int64 ``[N]``.
    accuracy: share of labels that are the likeliest class.
    """

    noise: LabelNoise
    probabilities: NDArray[np.float32]
    folds: NDArray[np.int64]
    accuracy: float

    def confidence(self, place: int) -> float:
        """The probability of the class suggested for the suspect at ``place``."""
        noise = self.noise
        return float(self.probabilities[noise.suspects[place], noise.suggested[place]])


def label_errors(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], folds: NDArray[np.int64]
) -> LabelErrors:
    """Judge labels int64 ``[N]`` by out-of-fold probabilities ``[N, C]``."""
    return LabelErrors(
        find_label_errors(probabilities, labels),
        probabilities,
        folds,
        float((probabilities.argmax(axis=1) == labels).mean()),
    )
