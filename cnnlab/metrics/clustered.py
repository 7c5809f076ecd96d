"""A mean over several answers to each image, and how sure it is."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.checks import checked_confidence
from cnnlab.metrics.statistics import Interval, wilson_interval

__all__ = ["clustered_interval"]


def clustered_interval(shares: NDArray[np.float64], confidence: float = 0.95) -> Interval:
    """The interval of a mean over images, each with its own share of right answers, ``[N]``.

    Answers to one image under several corruptions go together, so images, not answers, are what
    is counted: mean and standard error over images, normal (R. Miller, "Adding error bars to
    evals", arXiv:2411.00640, section 2.2). Where all images have the same share there is no spread
    to tell by, and Wilson's interval of so many images stands in. Raises :class:`InputError` for
    fewer than two images.
    """
    if len(shares) < 2:
        raise InputError(f"{len(shares)} images", expected="at least 2 for an interval")
    if (shares == shares[0]).all():
        return wilson_interval(round(shares[0] * len(shares)), len(shares), confidence)
    z = NormalDist().inv_cdf((1 + checked_confidence(confidence)) / 2)
    half = z * float(shares.std(ddof=1)) / math.sqrt(len(shares))
    mean = float(shares.mean())
    return Interval(max(0.0, mean - half), min(1.0, mean + half))
