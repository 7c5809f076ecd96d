"""How well scores put one kind above another."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.checks import checked_confidence
from cnnlab.metrics.statistics import Interval

__all__ = ["auc_with_interval"]


def auc_with_interval(
    positives: ArrayLike, negatives: ArrayLike, confidence: float = 0.95
) -> tuple[float, Interval]:
    """The area under the ROC curve, and its interval by DeLong's variance.

    The area is the chance that a positive scores above a negative, ties counting half. E. R.
    DeLong et al., Biometrics 44, 1988; computed by ranks (X. Sun and W. Xu, 2014). The interval is
    the normal one, cut to 0 to 1.

    Parameters
    ----------
    positives, negatives: finite scores ``[M]`` and ``[N]``, at least two each.
    """
    above, below = _scores(positives), _scores(negatives)
    # For each score the share of the other kind that it beats: the structural components.
    wins = _share_beaten(above, below)
    losses = 1 - _share_beaten(below, above)
    area = float(wins.mean())
    variance = wins.var(ddof=1) / len(above) + losses.var(ddof=1) / len(below)
    z = NormalDist().inv_cdf((1 + checked_confidence(confidence)) / 2)
    half = z * float(np.sqrt(variance))
    return area, Interval(max(0.0, area - half), min(1.0, area + half))


def _share_beaten(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, side="left")
    up_to = np.searchsorted(ordered, scores, side="right")
    return np.asarray((below + up_to) / (2 * len(others)), dtype=np.float64)


def _scores(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all():
        raise InputError(f"scores of shape {list(array.shape)}", expected="two or more numbers")
    return array
