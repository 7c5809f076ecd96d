"""Everything that is said of one split's predictions, computed once from its logits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.metrics.bootstrap import MacroIntervals, macro_intervals
from cnnlab.metrics.calibration import ECE_BINS, brier, ece, nll, softmax
from cnnlab.metrics.checks import checked_indices, checked_logits
from cnnlab.metrics.confusion import (
    ClassScores,
    balanced_accuracy,
    confusion_matrix,
    macro_f1,
    per_class_report,
    predicted_classes,
    top1,
    top_k_accuracy,
)
from cnnlab.metrics.statistics import Interval, wilson_interval

__all__ = ["Scores", "score"]

_TOP_K = 5


@dataclass(frozen=True, eq=False)
class Scores:
    """The metrics of one split.

    Attributes
    ----------
    n: images scored; ``correct`` of them rightly.
    top1: share of right answers; ``top1_interval`` its 95% Wilson interval.
    top5: share of images whose true class is among the five largest logits; None where there
        are five classes or fewer, as it would be 1.
    macro_f1, balanced_accuracy: means over classes, see ``cnnlab.metrics.confusion``.
    nll: mean negative log-likelihood in nats.
    brier: 0 to 2. ece: 0 to 1, over ``ece_bins`` equal-mass bins.
    matrix: int64 ``[C, C]``, rows true, columns predicted.
    per_class: one entry a class, in label order.
    """

    n: int
    correct: int
    top1: float
    top1_interval: Interval
    top5: float | None
    macro_f1: float
    balanced_accuracy: float
    nll: float
    brier: float
    ece: float
    ece_bins: int
    matrix: NDArray[np.int64]
    per_class: tuple[ClassScores, ...]

    @cached_property
    def macro_intervals(self) -> MacroIntervals:
        """95% bootstrap intervals of macro F1 and balanced accuracy; takes a moment."""
        return macro_intervals(self.matrix)


def score(logits: ArrayLike, labels: ArrayLike) -> Scores:
    """Score logits ``[N, C]`` against labels ``[N]``.

    Raises :class:`InputError` for no images, logits that are not finite, unequal lengths or a
    label outside 0 to C - 1.
    """
    values = checked_logits(logits)
    classes = values.shape[1]
    true = checked_indices(labels, classes, what="labels")
    matrix = confusion_matrix(true, predicted_classes(values), classes)
    probabilities = softmax(values)
    correct = int(np.trace(matrix))
    return Scores(
        n=len(true),
        correct=correct,
        top1=top1(matrix),
        top1_interval=wilson_interval(correct, len(true)),
        top5=top_k_accuracy(values, true, _TOP_K) if classes > _TOP_K else None,
        macro_f1=macro_f1(matrix),
        balanced_accuracy=balanced_accuracy(matrix),
        nll=nll(values, true),
        brier=brier(probabilities, true),
        ece=ece(probabilities, true),
        ece_bins=ECE_BINS,
        matrix=matrix,
        per_class=tuple(per_class_report(matrix)),
    )
