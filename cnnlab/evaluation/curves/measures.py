"""What several rules measure on a curve: noise, falls, levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnlab.evaluation.curves.case import Epoch, StageCurve
from cnnlab.metrics.statistics import wilson_interval

__all__ = [
    "accuracy_spread",
    "annealed",
    "flat",
    "half_width",
    "held_losses",
    "last_held",
    "last_train",
    "loss_noise",
    "mean",
    "percent",
    "points",
]

#: A single image's loss spreads at least so much (nats): most are near 0, some far off.
_LEAST_LOSS_SPREAD = 0.5

#: Below this change from one quarter of the epochs to the next a loss counts as flat.
_FLAT = 0.02

#: A rate that ends below this share of its peak was lowered on purpose.
_ANNEALED = 0.5


def mean(values: Sequence[float]) -> float:
    """The mean of one or more values."""
    return sum(values) / len(values)


def held_losses(epochs: Sequence[Epoch]) -> list[float]:
    """The losses of held-out images, of epochs that all have one."""
    return [epoch.held_loss for epoch in epochs if epoch.held_loss is not None]


def last_held(epochs: Sequence[Epoch]) -> float:
    """Held-out accuracy over the last two epochs: one alone may be a lucky one."""
    return mean([epoch.held_accuracy for epoch in epochs if epoch.held_accuracy is not None][-2:])


def last_train(epochs: Sequence[Epoch]) -> float:
    """Training accuracy over the last two epochs."""
    return mean([epoch.train_accuracy for epoch in epochs][-2:])


def half_width(accuracy: float, images: int) -> float:
    """Half the width of Wilson's 95% interval for an accuracy on so many images."""
    if images < 1:
        return 1.0
    low, high = wilson_interval(round(min(max(accuracy, 0.0), 1.0) * images), images)
    return (high - low) / 2


def accuracy_spread(first: float, second: float, images: int, others: int) -> float:
    """1.96 standard errors of the difference of two accuracies on separate images."""
    shares = ((first, images), (second, others))
    # One image more of each kind, so that 0% and 100% are not taken for certain.
    smoothed = (((share * n + 1) / (n + 2), n) for share, n in shares)
    return 1.96 * math.sqrt(sum(share * (1 - share) / (n + 2) for share, n in smoothed))


def loss_noise(loss: float, images: int) -> float:
    """About one standard error of a mean loss over so many images.

    Losses of single images spread like an exponential distribution: by their mean, or more.
    """
    return max(loss, _LEAST_LOSS_SPREAD) / math.sqrt(max(images, 1))


def flat(losses: Sequence[float]) -> bool:
    """Whether the last quarter of a curve lies where the quarter before it does."""
    quarter = max(len(losses) // 4, 1)
    before, after = mean(losses[-2 * quarter : -quarter]), mean(losses[-quarter:])
    return abs(before - after) < _FLAT * before


def annealed(stage: StageCurve) -> bool:
    """Whether the learning rate was brought down by the end: then a curve flattens by design."""
    rates = [epoch.rate for epoch in stage.epochs]
    return rates[-1] < _ANNEALED * max(rates)


def percent(share: float) -> str:
    """0.7865 -> "78.7%"."""
    return f"{100 * share:.1f}%"


def points(difference: float) -> str:
    """0.0312 -> "3.1 points"."""
    return f"{100 * difference:.1f} points"
