"""Which labels are likely wrong: confident learning.

Source: C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating uncertainty in
dataset labels", Journal of Artificial Intelligence Research 70, 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.metrics.checks import checked_indices, checked_probabilities, checked_same_length

__all__ = ["LabelNoise", "class_thresholds", "confident_joint", "find_label_errors"]

#: A probability that is its class's threshold to rounding counts as confident.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class LabelNoise:
    """What probabilities say of labels.

    Attributes
    ----------
    joint: float64 ``[C, C]``, adding up to 1: the estimated share of images with given label
        (row) and true class (column).
    suspects: int64 ``[K]``, places of labels that are likely wrong, the likeliest first.
    suggested: int64 ``[K]``, for each the class that is likeliest instead.
    margins: float64 ``[K]``, the given label's probability minus the suggested one's, -1 to 0.
    """

    joint: NDArray[np.float64]
    suspects: NDArray[np.int64]
    suggested: NDArray[np.int64]
    margins: NDArray[np.float64]

    @property
    def noise(self) -> float:
        """The estimated share of wrong labels."""
        return float(self.joint.sum() - np.trace(self.joint))


def class_thresholds(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """How sure is sure: the mean probability of a class over the images labelled so, ``[C]``.

    Of a class without images it is 1, which nothing reaches by chance.
    """
    shares, given = _checked(probabilities, labels)
    classes = shares.shape[1]
    counts = np.bincount(given, minlength=classes)
    own = np.bincount(given, weights=shares[np.arange(len(given)), given], minlength=classes)
    return np.where(counts > 0, own / np.maximum(counts, 1), 1.0)


def confident_joint(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.int64]:
    """Count images by given label (row) and the class that they confidently are (column).

    An image counts where some class reaches its threshold; where several do, for the likeliest of
    them (the paper's equation 1). int64 ``[C, C]``; a class that has labels has at least one image
    on the diagonal.
    """
    shares, given = _checked(probabilities, labels)
    classes = shares.shape[1]
    confident = shares >= class_thresholds(shares, given) - _ROUNDING
    counted = confident.any(axis=1)
    guesses = np.where(confident, shares, -1.0).argmax(axis=1)
    cells = given[counted] * classes + guesses[counted]
    counts = np.bincount(cells, minlength=classes**2).reshape(classes, classes).astype(np.int64)
    present = np.bincount(given, minlength=classes) > 0
    diagonal = np.diag(counts)
    np.fill_diagonal(counts, np.where(present, np.maximum(diagonal, 1), 0))
    return counts


def find_label_errors(probabilities: ArrayLike, labels: ArrayLike) -> LabelNoise:
    """Estimate the noise of labels, and name those that are likely wrong.

    The joint distribution is the confident joint scaled to the labels' own counts (equation 3).
    Of each pair of given label and other class as many images as it says are taken, those whose
    other class is likeliest against the given one (pruning by noise rate, 4.2); of these, images
    whose label is their likeliest class are left in peace. They are ranked by the margin between
    the label's probability and the largest other one.

    Parameters
    ----------
    probabilities: ``[N, C]``, of networks that have not seen the image with its label.
    labels: whole numbers ``[N]``.

    Raises :class:`cnnlab.errors.InputError` for probabilities that are none, or other lengths.
    """
    shares, given = _checked(probabilities, labels)
    classes = shares.shape[1]
    counts = np.bincount(given, minlength=classes)
    rows = confident_joint(shares, given).astype(np.float64)
    rows *= (counts / np.maximum(rows.sum(axis=1), 1))[:, None]
    wrong = np.zeros(len(given), dtype=np.bool_)
    images = _whole(rows)
    for label, other in np.argwhere(images > 0):
        if label != other:
            places = np.flatnonzero(given == label)
            against = shares[places, other] - shares[places, label]
            order = np.argsort(-against, kind="stable")
            wrong[places[order[: images[label, other]]]] = True
    suspects = np.flatnonzero(wrong & (shares.argmax(axis=1) != given))
    others = shares[suspects].copy()
    others[np.arange(len(suspects)), given[suspects]] = -1.0
    suggested = others.argmax(axis=1)
    margins = shares[suspects, given[suspects]] - others[np.arange(len(suspects)), suggested]
    order = np.argsort(margins, kind="stable")
    return LabelNoise(rows / len(given), suspects[order], suggested[order], margins[order])


def _whole(rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round ``[C, C]`` so that each row keeps its total, which is whole (Hamilton's method)."""
    whole = np.floor(rows + _ROUNDING).astype(np.int64)
    left = np.rint(rows.sum(axis=1)).astype(np.int64) - whole.sum(axis=1)
    order = np.argsort(-(rows - whole), axis=1, kind="stable")
    ranks = np.argsort(order, axis=1, kind="stable")
    return np.asarray(whole + (ranks < left[:, None]), dtype=np.int64)


def _checked(
    probabilities: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    shares = checked_probabilities(probabilities)
    given = checked_indices(labels, shares.shape[1], what="labels")
    checked_same_length(len(shares), len(given), what="rows of probabilities and labels")
    return shares, given
