"""Whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.metrics.checks import (
    checked_count,
    checked_indices,
    checked_logits,
    checked_probabilities,
    checked_same_length,
)

__all__ = [
    "ECE_BINS",
    "ReliabilityBin",
    "brier",
    "ece",
    "log_softmax",
    "nll",
    "reliability_bins",
    "softmax",
]

#: Bins that ``ece`` asks for, as reports state it.
ECE_BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Images of about the same confidence.

    Attributes
    ----------
    count: images in it, at least 1.
    confidence: mean probability of the predicted class.
    accuracy: share of the images that were predicted rightly.
    """

    count: int
    confidence: float
    accuracy: float


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithms of the probabilities, float64 ``[N, C]``; finite for any finite logits."""
    scores = checked_logits(logits)
    shifted = scores - scores.max(axis=1, keepdims=True)
    # The largest term is exp(0) = 1, so the sum is within 1 to C: nothing overflows.
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Probabilities, float64 ``[N, C]``, each row adding up to 1."""
    return np.exp(log_softmax(logits))


def nll(logits: ArrayLike, labels: ArrayLike) -> float:
    """Mean negative log-likelihood of the true class in nats: the unsmoothed cross-entropy."""
    logs = log_softmax(logits)
    true = _labels_for(logs, labels)
    return float(-logs[np.arange(len(true)), true].mean())


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean squared distance from the true class's one-hot row, summed over classes: 0 to 2.

    This is Brier's original definition (1950); for two classes it is twice the one-column form.
    """
    shares = checked_probabilities(probabilities)
    true = _labels_for(shares, labels)
    own = shares[np.arange(len(true)), true]
    return float(((shares**2).sum(axis=1) - own**2 + (1 - own) ** 2).mean())


def reliability_bins(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = ECE_BINS
) -> list[ReliabilityBin]:
    """Group images by the confidence of their predicted class into equal-mass bins.

    The borders are quantiles of the confidences. Equal confidences always share a bin, so the
    result does not depend on the order of the images, and the greatest confidence (1.0 too) is
    in the last bin. Where ties leave bins empty, or there are fewer images than bins, fewer come
    back: ``len`` of the result is the number of bins used.
    """
    shares = checked_probabilities(probabilities)
    true = _labels_for(shares, labels)
    bins = checked_count(bins, name="bins", low=1)
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == true
    borders = np.quantile(confidence, np.arange(1, bins) / bins)
    index = np.searchsorted(borders, confidence, side="left")
    counts = np.bincount(index, minlength=bins)
    confidences = np.bincount(index, weights=confidence, minlength=bins)
    hits = np.bincount(index, weights=right, minlength=bins)
    return [
        ReliabilityBin(int(n), float(total / n), float(hit / n))
        for n, total, hit in zip(counts, confidences, hits, strict=True)
        if n
    ]


def ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = ECE_BINS) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, 0 to 1.

    Equal-mass bins of the predicted class's confidence (Nguyen and O'Connor, 2015), weighted by
    the images in each; see ``reliability_bins`` for ties.
    """
    groups = reliability_bins(probabilities, labels, bins)
    images = sum(group.count for group in groups)
    return sum(g.count * abs(g.accuracy - g.confidence) for g in groups) / images


def _labels_for(scores: NDArray[np.float64], labels: ArrayLike) -> NDArray[np.int64]:
    true = checked_indices(labels, scores.shape[1], what="labels")
    checked_same_length(len(scores), len(true), what="rows of scores and labels")
    return true
