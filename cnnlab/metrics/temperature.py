"""One number that makes a network's probabilities as sure as it is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnlab.errors import InputError
from cnnlab.metrics.calibration import softmax
from cnnlab.metrics.checks import checked_indices, checked_logits, checked_same_length

__all__ = [
    "TEMPERATURES",
    "at_temperature",
    "cross_fitted_probabilities",
    "fit_temperature",
]

#: The lowest and the highest temperature that is given. Where the network says no more than chance
#: the best one would have no end.
TEMPERATURES = (0.01, 100.0)
_STEPS = 60
_PARTS = 5


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Find the temperature T at which ``softmax(logits / T)`` has the lowest NLL.

    Temperature scaling of Guo et al., "On Calibration of Modern Neural Networks" (2017). It
    changes no answer, for the largest logit stays the largest; above 1 it takes confidence away.
    As a function of 1 / T the NLL is convex, so its slope is brought to zero by halving, in
    ``[N, C]`` logits and ``[N]`` labels. Where all N images are right, T would be 0 and every
    answer certain: there each label counts for (N + 1) / (N + 2) and the other classes for the
    rest (the targets of Platt, 1999), for N images without a mistake tell no more than that.
    Raises :class:`InputError` as the metrics do.
    """
    scores = checked_logits(logits)
    true = checked_indices(labels, scores.shape[1], what="labels")
    checked_same_length(len(scores), len(true), what="logits and labels")
    shifted = scores - scores.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(true)), true]
    if (own == 0).all() and scores.shape[1] > 1:
        rest = (shifted.sum(axis=1) - own) / (scores.shape[1] - 1)
        own = ((len(own) + 1) * own + rest) / (len(own) + 2)
    low, high = (float(np.log(1 / end)) for end in reversed(TEMPERATURES))
    if _slope(shifted, own, np.exp(high)) <= 0:
        return TEMPERATURES[0]
    if _slope(shifted, own, np.exp(low)) >= 0:
        return TEMPERATURES[1]
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _slope(shifted, own, np.exp(middle)) > 0:
            high = middle
        else:
            low = middle
    return float(np.exp(-(low + high) / 2))


def _slope(shifted: NDArray[np.float64], own: NDArray[np.float64], scale: float) -> float:
    """The derivative of the mean NLL by ``scale`` = 1 / T; the largest logit of a row is 0."""
    weights = np.exp(shifted * scale)
    expected = (weights * shifted).sum(axis=1) / weights.sum(axis=1)
    return float((expected - own).mean())


def at_temperature(logits: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities ``[N, C]`` of logits at a temperature, which is above 0."""
    if not 0 < temperature < np.inf:
        raise InputError(f"{temperature}", where="temperature", expected="a number above 0")
    return softmax(checked_logits(logits) / temperature)


def cross_fitted_probabilities(
    logits: ArrayLike, labels: ArrayLike, *, seed: int = 0
) -> NDArray[np.float64] | None:
    """Probabilities ``[N, C]`` of each fifth at the temperature that fits the other four.

    So no image helps to choose the temperature at which it is itself judged. Which images make
    a fifth is drawn by ``seed``. None where there are fewer images than fifths.
    """
    scores = checked_logits(logits)
    true = checked_indices(labels, scores.shape[1], what="labels")
    checked_same_length(len(scores), len(true), what="logits and labels")
    if len(scores) < _PARTS:
        return None
    part = np.random.default_rng(seed).permutation(len(scores)) % _PARTS
    probabilities = np.empty_like(scores)
    for number in range(_PARTS):
        held_out = part == number
        temperature = fit_temperature(scores[~held_out], true[~held_out])
        probabilities[held_out] = at_temperature(scores[held_out], temperature)
    return probabilities
