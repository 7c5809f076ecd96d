"""Counts of right and wrong answers, and the scores made of them.

Rows of a confusion matrix are true classes, columns are predicted ones, everywhere in cnnlab.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.checks import (
    checked_count,
    checked_indices,
    checked_logits,
    checked_matrix,
    checked_same_length,
)
from cnnlab.metrics.statistics import Interval, clopper_pearson

__all__ = [
    "ClassScores",
    "balanced_accuracy",
    "confusion_matrix",
    "macro_f1",
    "per_class_report",
    "predicted_classes",
    "top1",
    "top_k_accuracy",
]


@dataclass(frozen=True)
class ClassScores:
    """How one class fared.

    Attributes
    ----------
    hits: images of this class that were given it.
    precision: of the images given this class, the share that are of it; 0 where none was given.
    recall: of this class's images, the share that was given it; 0 where it has no images.
    f1: harmonic mean of the two; 0 where both are 0.
    support: images of this class.
    predicted: images that were given this class.
    """

    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    hits: int

    @property
    def precision_interval(self) -> Interval | None:
        """Clopper and Pearson's 95% interval; None where the class was never predicted."""
        return clopper_pearson(self.hits, self.predicted) if self.predicted else None

    @property
    def recall_interval(self) -> Interval | None:
        """Clopper and Pearson's 95% interval; None where the class has no images."""
        return clopper_pearson(self.hits, self.support) if self.support else None

    def measured(self) -> dict[str, float | None]:
        """The three scores by name; None where there was nothing to divide by."""
        values = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: None if name in self.undefined else v for name, v in values.items()}

    @property
    def undefined(self) -> tuple[str, ...]:
        """Names of the scores that are 0 only because there was nothing to divide by."""
        names = []
        if self.predicted == 0:
            names.append("precision")
        if self.support == 0:
            names.append("recall")
        if self.predicted == 0 and self.support == 0:
            names.append("f1")
        return tuple(names)


def predicted_classes(logits: ArrayLike) -> NDArray[np.int64]:
    """Return int64 ``[N]``: the class with the largest logit, the lowest index among equals."""
    classes: NDArray[np.int64] = checked_logits(logits).argmax(axis=1)
    return classes


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count int64 ``[C, C]``: rows are true classes, columns are predicted ones.

    Raises :class:`InputError` for no images, unequal lengths or a class outside 0 to C - 1.
    """
    classes = checked_count(classes, name="classes", low=1)
    true = checked_indices(labels, classes, what="labels")
    predicted = checked_indices(predictions, classes, what="predictions")
    checked_same_length(len(true), len(predicted), what="labels and predictions")
    counts = np.bincount(true * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64, copy=False)


def per_class_report(matrix: ArrayLike) -> list[ClassScores]:
    """Score each class of a confusion matrix ``[C, C]``, in label order.

    A score without anything to divide by is 0, and ``ClassScores.undefined`` names it.
    """
    counts = checked_matrix(matrix)
    hits = np.diag(counts).astype(np.float64)
    support, predicted = counts.sum(axis=1), counts.sum(axis=0)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    return [
        ClassScores(float(p), float(r), float(f), int(s), int(n), int(h))
        for p, r, f, s, n, h in zip(precision, recall, f1, support, predicted, hits, strict=True)
    ]


def top1(matrix: ArrayLike) -> float:
    """Share of all images on the diagonal of a confusion matrix ``[C, C]``."""
    counts = checked_matrix(matrix)
    return float(np.trace(counts) / counts.sum())


def macro_f1(matrix: ArrayLike) -> float:
    """Mean F1 over the classes that occur among the labels or the predictions.

    A class that occurs in neither is left out, as scikit-learn does; one that occurs only among
    the predictions counts with F1 = 0.
    """
    scores = [s.f1 for s in per_class_report(matrix) if s.support or s.predicted]
    return float(np.mean(scores))


def balanced_accuracy(matrix: ArrayLike) -> float:
    """Mean recall over the classes that have images."""
    return float(np.mean([s.recall for s in per_class_report(matrix) if s.support]))


def top_k_accuracy(logits: ArrayLike, labels: ArrayLike, k: int) -> float:
    """Share of images whose true class is among the ``k`` largest of its logits ``[N, C]``.

    Among equal logits the lowest index comes first, so k = 1 agrees with ``predicted_classes``.
    """
    scores = checked_logits(logits)
    classes = scores.shape[1]
    true = checked_indices(labels, classes, what="labels")
    checked_same_length(len(scores), len(true), what="logits and labels")
    if checked_count(k, name="k", low=1) > classes:
        raise InputError(f"{k}", where="k", expected=f"1 to {classes}, the number of classes")
    own = scores[np.arange(len(true)), true][:, None]
    before = np.arange(classes) < true[:, None]
    rank = ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return float(np.mean(rank < k))
